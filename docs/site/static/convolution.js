// Slide nine weights over an X-ray, as cxrlab.convolution does: "valid", the kernel not flipped.

course.benches("convolution", (section, data, find) => {
  const fields = [...section.querySelectorAll("input[type=number]")];
  const canvas = find("canvas");
  const film = find("img.film");
  let xray = null; // { values: grey values 0...1, rows, columns }

  // Grey values of a picture that stands in the page.
  async function read(address) {
    const picture = new Image();
    picture.src = address;
    await picture.decode();
    const sheet = new OffscreenCanvas(picture.width, picture.height).getContext("2d");
    sheet.drawImage(picture, 0, 0);
    const pixels = sheet.getImageData(0, 0, picture.width, picture.height).data;
    const values = Float64Array.from({ length: pixels.length / 4 }, (_, i) => pixels[4 * i] / 255);
    return { values, rows: picture.height, columns: picture.width };
  }

  function convolve({ values, rows, columns }, kernel) {
    const made = { values: new Float64Array((rows - 2) * (columns - 2)), rows: rows - 2, columns: columns - 2 };
    for (let row = 0; row < made.rows; row++) {
      for (let column = 0; column < made.columns; column++) {
        let sum = 0;
        for (let i = 0; i < 9; i++) {
          sum += kernel[i] * values[(row + Math.floor(i / 3)) * columns + column + (i % 3)];
        }
        made.values[row * made.columns + column] = sum;
      }
    }
    return made;
  }

  const relu = (map) => ({ ...map, values: map.values.map((value) => Math.max(value, 0)) });

  function pool({ values, rows, columns }) {
    const made = { rows: Math.floor(rows / 2), columns: Math.floor(columns / 2) };
    made.values = new Float64Array(made.rows * made.columns).map((_, i) => {
      const corner = 2 * Math.floor(i / made.columns) * columns + 2 * (i % made.columns);
      return Math.max(...[0, 1, columns, columns + 1].map((step) => values[corner + step]));
    });
    return made;
  }

  // Black is 0 or the smallest value, white the largest, the outermost 0.5 % cut off either side.
  function paint({ values, rows, columns }) {
    const sorted = values.slice().sort();
    const quantile = (share) => {
      const at = share * (sorted.length - 1);
      const below = Math.floor(at);
      const above = Math.min(below + 1, sorted.length - 1);
      return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
    };
    const low = Math.min(0, quantile(0.005));
    const high = Math.max(0, quantile(0.995));
    canvas.width = columns;
    canvas.height = rows;
    const image = new ImageData(columns, rows);
    values.forEach((value, i) => {
      const grey = high === low ? 0 : Math.round(255 * (value - low) / (high - low));
      image.data.set([grey, grey, grey, 255], 4 * i);
    });
    canvas.getContext("2d").putImageData(image, 0, 0);
  }

  function inWords({ values, rows, columns }) {
    const share = (test) => `${(100 * values.filter(test).length / values.length).toFixed(0)}%`;
    const [low, high] = values.reduce(([a, b], v) => [Math.min(a, v), Math.max(b, v)], [Infinity, -Infinity]);
    return `Map of ${rows} × ${columns} numbers from ${low.toFixed(2)} to ${high.toFixed(2)}: `
      + `${share((v) => v < 0)} below zero, ${share((v) => v === 0)} exactly zero.`;
  }

  function draw() {
    const limited = (field) => Math.min(Math.max(Number(field.value) || 0, -100), 100);
    let map = convolve(xray, fields.map(limited));
    if (find("[name=relu]").checked) map = relu(map);
    if (find("[name=pooling]").checked) map = pool(map);
    paint(map);
    find(".line").textContent = inWords(map);
    canvas.setAttribute("aria-label", `Feature map: kernel ${find("[name=kernel]").value}`);
  }

  async function choose() {
    film.src = data.pictures[find("[name=xray]").value];
    xray = await read(film.src);
    draw();
  }

  function fill() {
    const weights = data.kernels[find("[name=kernel]").value];
    weights?.forEach((weight, i) => { fields[i].value = Math.round(1000 * weight) / 1000; });
    if (xray) draw();
  }

  find("[name=xray]").addEventListener("change", choose);
  find("[name=kernel]").addEventListener("change", fill);
  for (const name of ["relu", "pooling"]) find(`[name=${name}]`).addEventListener("change", draw);
  for (const field of fields) {
    field.addEventListener("input", () => {
      find("[name=kernel]").value = "your own";
      draw();
    });
  }
  fill();
  choose();
});
