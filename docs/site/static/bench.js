// What the benches share. A bench is a section with its controls in HTML and its data in JSON.

const course = {
  // Run `start(section, data, find)` for every bench of a kind on this page.
  benches(kind, start) {
    for (const section of document.querySelectorAll(`[data-bench=${kind}]`)) {
      const data = JSON.parse(section.querySelector("script").textContent);
      start(section, data, (selector) => section.querySelector(selector));
    }
  },

  // A confusion matrix as a table: counts are [tp, fp, fn, tn], names those of the classes.
  matrix([tp, fp, fn, tn], negative, positive) {
    const cells = [
      [`${tn} true negatives`, `${fp} false positives: false alarms`],
      [`${fn} false negatives: misses`, `${tp} true positives`],
    ];
    const heads = [`${negative} (${tn + fp})`, `${positive} (${fn + tp})`];
    const rows = cells.map((row, i) =>
      `<tr><th scope="row">${heads[i]}</th><td>${row[0]}</td><td>${row[1]}</td></tr>`);
    return `<table><caption>Confusion matrix</caption><thead><tr><td></td>`
      + `<th scope="col">called ${negative}</th><th scope="col">called ${positive}</th></tr>`
      + `</thead><tbody>${rows.join("")}</tbody></table>`;
  },

  // A value and its interval, each perhaps undefined (null).
  estimate([value, low, high]) {
    if (value === null) return "undefined";
    const written = value.toFixed(2);
    return low === null ? written : `${written} (${low.toFixed(2)} to ${high.toFixed(2)})`;
  },
};
