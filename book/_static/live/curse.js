// What a sum of boxes costs in d dimensions, beside things of known size. All numbers are exact.
"use strict";

hwLive.figure("curse", (box, { d, error, dimensions, errors, things }) => {
  const { button, html, slider, words } = hwLive;

  // ---- Counting ------------------------------------------------------------------------------

  // The least N with 1/N ≤ ε, where ε is the number as it is written: 0.01 is one hundredth.
  const boxesNeeded = (error) => {
    const [digits, power = "0"] = String(error).split("e");
    const [whole, part = ""] = digits.split(".");
    const numerator = BigInt(whole + part);
    const denominator = 10n ** BigInt(part.length - Number(power));
    return (denominator + numerator - 1n) / numerator;
  };

  const counts = (N, d) => {
    const second = N ** d, first = d * (N + 1n);
    const nonzero = 2n * first - (N % 2n === 0n ? d : 0n) + second * (2n * d + 2n);
    return { boxes: second, neurons: first + second, parameters: nonzero, bytes: 8n * nonzero };
  };

  // ---- Whole numbers on show -----------------------------------------------------------------

  const RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹", FULL = 10n ** 10n;

  const magnitude = (value) => {
    if (value < FULL) return String(value).replace(/\B(?=(\d{3})+$)/g, ",");
    let power = String(value).length - 1;
    let lead = (value / 10n ** BigInt(power - 2) + 5n) / 10n; // two digits
    if (lead === 100n) [lead, power] = [10n, power + 1];
    const ten = `10${[...String(power)].map((digit) => RAISED[digit]).join("")}`;
    return value === 10n ** BigInt(power) ? ten : `${lead / 10n}.${lead % 10n}\u00a0·\u00a0${ten}`;
  };

  const count = (name, value) =>
    html("span", { "data-name": name, "data-value": value }, magnitude(value));

  const digits = (value) => {
    const text = String(value);
    return text.length - 1 + Math.log10(Number(`${text[0]}.${text.slice(1, 16)}`));
  };

  // ---- The ladder ----------------------------------------------------------------------------

  const OWN = "this sum of boxes";

  const ladder = (bytes) => {
    const all = [...things.map(([name, size]) => [name, BigInt(size)]), [OWN, bytes]];
    all.sort(([, a], [, b]) => (a < b ? -1 : a > b ? 1 : 0));
    const longest = digits(all.at(-1)[1]);
    return all.map(([name, size]) => {
      const own = name === OWN;
      return html("tr", own ? { class: "own" } : {},
        html("th", { scope: "row" }, name),
        html("td", { class: "bar" }, html("span", { style: `width: ${100 * digits(size) / longest}%` })),
        html("td", {}, count(own ? "ladder" : `thing-${things.findIndex(([known]) => known === name)}`, size)));
    });
  };

  const body = html("tbody");
  const table = html("table", { class: "hw-live-ladder" },
    html("caption", {}, "Bytes; a bar is as long as the number has digits"), body);

  // ---- Everything together -------------------------------------------------------------------

  const control = {
    d: slider({ name: "d", label: "d", value: d, values: dimensions, step: 1 }, () => update()),
    error: slider({ name: "error", label: "ε", value: error, values: errors }, () => update()),
  };
  const { nodes, say } = words();

  const update = () => {
    const N = boxesNeeded(control.error.value), found = counts(N, BigInt(control.d.value));
    const below = things.map(([name, size]) => [name, BigInt(size)])
      .filter(([, size]) => size <= found.bytes).at(-1);
    body.replaceChildren(...ladder(found.bytes));
    say("With ", count("N", N), N === 1n ? " box" : " boxes", " in each dimension there are ", count("boxes", found.boxes), " boxes, ",
      count("neurons", found.neurons), " neurons and ", count("parameters", found.parameters),
      " parameters that are not 0: ", count("bytes", found.bytes), " bytes",
      ...(below ? [", at least ", count("times", found.bytes / below[1]), " × ", below[0], "."] : [", less than all that is listed."]));
  };

  box.append(
    html("div", { class: "hw-live-rows" }, control.d.row, control.error.row,
      button("Start again", () => { control.d.value = d; control.error.value = error; update(); })),
    ...nodes, table);
  update();
});
