"""Running the course without a browser: execution, pages, an index. No TensorFlow here."""
