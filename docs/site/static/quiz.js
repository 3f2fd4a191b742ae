// A question's buttons reply. All replies stand in the page, hidden.

for (const question of document.querySelectorAll(".quiz fieldset")) {
  const buttons = [...question.querySelectorAll("button")];
  const verdict = question.querySelector(".verdict");
  for (const button of buttons) {
    button.addEventListener("click", () => {
      for (const other of buttons) other.setAttribute("aria-pressed", String(other === button));
      const right = button.dataset.letter === question.dataset.right;
      verdict.className = right ? "verdict right" : "verdict wrong";
      verdict.innerHTML = `<b>${right ? "✓ Correct." : "✗ Not yet."}</b> `
        + button.nextElementSibling.innerHTML;
    });
  }
}
