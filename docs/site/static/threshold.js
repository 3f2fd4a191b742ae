// Threshold and prevalence. Counts and intervals at every threshold were computed by cxrlab.

course.benches("threshold", (section, data, find) => {
  const [cut, share] = section.querySelectorAll("input");
  const [cutShown, shareShown] = section.querySelectorAll(".value");

  const precisionAt = (recall, specificity, prevalence) => {
    const found = recall * prevalence;
    const alarms = found + (1 - specificity) * (1 - prevalence);
    return alarms > 0 ? found / alarms : null;
  };

  // Halves go to the even number, as in Python.
  const rounded = (x) => (Math.abs(x % 1) === 0.5 ? 2 * Math.round(x / 2) : Math.round(x));

  // Whole people out of 1,000, in words.
  function screening(recall, specificity, prevalence) {
    const ill = rounded(1000 * prevalence);
    const found = rounded(ill * recall);
    const alarms = found + 1000 - ill - rounded((1000 - ill) * specificity);
    const start = `Of 1,000 people tested, ${ill} ${ill === 1 ? "has" : "have"} COVID-19. The test raises`;
    if (!alarms) {
      return `${start} no alarm at all: its precision is undefined, and all the ill are missed.`;
    }
    const raised = alarms === 1 ? "1 alarm" : `${alarms.toLocaleString("en")} alarms`;
    const missed = ill - found;
    return `${start} ${raised}; ${found || "none"} of them ${found === 1 ? "is" : "are"} true, and `
      + `${missed} of the ill ${missed === 1 ? "is" : "are"} missed.`;
  }

  function sentence(recall, specificity, prevalence) {
    const [value, low, high] = recall.map((r, i) => precisionAt(r, specificity[i], prevalence));
    const start = `Where ${percent(prevalence)} of the people tested are ill, the precision is `;
    const people = `<br>${screening(recall[0], specificity[0], prevalence)}`;
    if (value === null) return `${start}<b>undefined</b>: nobody is called ill.${people}`;
    const range = low === null ? "" : ` (from ${low.toFixed(2)} to ${high.toFixed(2)} if recall and `
      + "specificity lie together at the lower or the upper ends of their intervals)";
    return `${start}<b>${value.toFixed(2)}</b>${range}.${people}`;
  }

  const percent = (value) => `${Number((100 * value).toPrecision(3))} %`;

  // The ill above the axis, the healthy below, and the threshold as a line.
  function histogram(at) {
    const [ill, healthy] = data.bars;
    const tallest = Math.max(...ill, ...healthy);
    const [left, middle, width] = [30, 115, 380];
    const bars = (heights, name, down) => heights.map((n, i) => {
      const height = 95 * n / tallest;
      const x = left + width * i / heights.length;
      return `<rect class="${name}" x="${x}" y="${down ? middle : middle - height}" `
        + `width="${width / heights.length - 1}" height="${height}"/>`;
    }).join("");
    const x = left + width * at;
    const ticks = [0, 0.25, 0.5, 0.75, 1].map((t) =>
      `<text x="${left + width * t}" y="232" text-anchor="middle">${t}</text>`).join("");
    return `${bars(ill, "ill", false)}${bars(healthy, "healthy", true)}`
      + `<line class="axis" x1="${left}" x2="${left + width}" y1="${middle}" y2="${middle}"/>`
      + `<line class="cut" x1="${x}" x2="${x}" y1="14" y2="216"/>${ticks}`
      + `<text x="${left}" y="12">ill, upwards</text><text x="${left}" y="214">healthy, downwards</text>`
      + `<text x="220" y="248" text-anchor="middle">score</text>`;
  }

  function draw() {
    const at = data.cuts[cut.value];
    const prevalence = data.prevalences[share.value];
    const [counts, estimates] = data.rows[cut.value];
    const called = counts[0] + counts[1];
    const all = counts.reduce((sum, n) => sum + n);
    cutShown.textContent = at.toFixed(3);
    shareShown.textContent = percent(prevalence);
    cut.setAttribute("aria-valuetext", at.toFixed(3));
    share.setAttribute("aria-valuetext", percent(prevalence));
    find(".line").innerHTML = sentence(estimates[2], estimates[3], prevalence);
    find(".histogram").innerHTML = histogram(at);
    find(".histogram").setAttribute("aria-label",
      `Histogram of ${all} scores, ill above and healthy below the axis. Threshold `
      + `${at.toFixed(3)}: ${called} cases at or right of it are called ill.`);
    find(".matrix").innerHTML = course.matrix(counts, "healthy", "ill");
    section.querySelectorAll(".metrics tbody td:last-child").forEach((cell, i) => {
      cell.textContent = course.estimate(estimates[i]);
    });
  }

  cut.value = data.chosen;
  cut.addEventListener("input", draw);
  share.addEventListener("input", draw);
  find("button").addEventListener("click", () => {
    cut.value = data.chosen;
    draw();
  });
  draw();
});
