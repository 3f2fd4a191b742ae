// Ten X-rays to read. The truth is shown after the tenth call, which closes the reading.

course.benches("reading", (section, data, find) => {
  const names = ["not COVID-19", "COVID-19"];
  const outcomes = { 11: "found", 10: "missed", "01": "a false alarm", "00": "correctly cleared" };
  const cases = data.cases;
  const keys = [...section.querySelectorAll("[data-call]")];
  const [back, onward] = section.querySelectorAll("[data-go]");
  let calls = cases.map(() => null);
  let place = 0;

  const open = () => cases.map((_, i) => i).filter((i) => calls[i] === null);

  function draw() {
    const left = open();
    const call = calls[place];
    let words = `<b>X-ray ${place + 1} of ${cases.length}</b> · ${cases.length - left.length} called. `;
    words += call === null ? "Not called yet." : `Your call here: <b>${names[call]}</b>.`;
    if (!left.length) {
      const { truth, score } = cases[place];
      words += ` On record: <b>${names[truth]}</b>, so this was ${outcomes[`${truth}${call}`]}.`
        + ` The network's score is ${score.toFixed(2)}.`;
    }
    find(".line").innerHTML = words;
    find(".film").src = cases[place].src;
    find(".film").alt = `Simulated chest X-ray ${place + 1} of ${cases.length}`;
    find(".result").innerHTML = left.length ? "" : result();
    disable(back, place === 0);
    disable(onward, place === cases.length - 1);
    for (const key of keys) disable(key, !left.length);
  }

  // A disabled button would lose the keyboard's focus; this one keeps it and does nothing.
  const disable = (button, off) => button.setAttribute("aria-disabled", String(off));

  function count(called) {
    const number = (truth, call) =>
      cases.filter((each, i) => each.truth === truth && called(each, i) === call).length;
    return [number(1, 1), number(0, 1), number(1, 0), number(0, 0)];
  }

  function result() {
    const yours = count((_, i) => calls[i]);
    const its = count((each) => Number(each.score >= 0.5));
    const [tp, , , tn] = yours;
    return course.matrix(yours, ...names)
      + `<p>Your recall is ${data.recall[tp]}, your specificity ${data.specificity[tn]}. A reader `
      + "whose true values lie anywhere in these 95 % intervals could easily score this: ten "
      + "X-rays say little.</p><p>The course's network on the same ten, at a threshold of 0.5: "
      + `${its[0]} found, ${its[2]} missed, ${its[1]} false alarms, ${its[3]} correctly cleared.</p>`;
  }

  function go(step) {
    place = Math.min(Math.max(place + step, 0), cases.length - 1);
    draw();
  }

  for (const key of keys) {
    key.addEventListener("click", () => {
      if (!open().length) return;
      calls[place] = Number(key.dataset.call);
      const left = open(); // go on with the next one, or else with the first one
      place = left.find((i) => i > place) ?? left[0] ?? place;
      draw();
    });
  }
  back.addEventListener("click", () => go(-1));
  onward.addEventListener("click", () => go(1));
  find("[data-again]").addEventListener("click", () => {
    calls = cases.map(() => null);
    go(-place);
  });
  draw();
});
