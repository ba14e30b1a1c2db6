// A function on [−B, B] as a sum of boxes: given by samples, between which it is straight, or drawn.
"use strict";

hwLive.figure("boxes", (box, { B, N, x, most, functions, knots, limits, ticks }) => {
  const {
    arrows, axes, button, choice, html, number, path, set, slider, stage, svg, words,
  } = hwLive;
  const OWN = "own";

  // ---- The function --------------------------------------------------------------------------

  const samples = Object.fromEntries(functions.map(({ name, values }) => [name, values]));
  const grid = (values) => values.map((_, i) => B * (2 * i / (values.length - 1) - 1));

  const interpolate = (values, x) => {
    const at = (x / B + 1) / 2 * (values.length - 1);
    const i = Math.min(values.length - 2, Math.max(0, Math.floor(at)));
    return values[i] + (at - i) * (values[i + 1] - values[i]);
  };

  const steepest = (values) => Math.max(...values.slice(1).map((value, i) => Math.abs(value - values[i]))) *
    (values.length - 1) / (2 * B);

  // ---- The network ---------------------------------------------------------------------------

  const network = (values, N) => {
    const edges = Array.from({ length: N + 1 }, (_, i) => B * (2 * i - N) / N);
    const heights = Array.from({ length: N }, (_, i) => interpolate(values, B * (2 * i + 1 - N) / N));
    const c = edges.map((_, i) => (heights[i] ?? 0) - (heights[i - 1] ?? 0));
    return { edges, heights, c };
  };

  // Between its samples the function is straight: it is farthest from a box at a sample or an end.
  const largestError = (values, { edges, heights }) => {
    let error = 0;
    const look = (x, i) => {
      if (heights[i] !== undefined) error = Math.max(error, Math.abs(interpolate(values, x) - heights[i]));
    };
    edges.forEach((edge, i) => { look(edge, i - 1); look(edge, i); });
    grid(values).forEach((x) => look(x, Math.min(heights.length - 1, Math.floor((x + B) / (2 * B) * heights.length))));
    return error;
  };

  // At −B the first neuron fires already: its threshold is the next number below.
  const firing = ({ edges }, x) => edges.filter((edge, i) => x > edge || i === 0).length;

  // ---- The drawing ---------------------------------------------------------------------------

  const area = svg("path", { class: "area" }), curve = svg("path", { class: "line second" });
  const here = svg("path", { class: "axis dashed" }), field = svg("rect", { class: "field" });
  const stems = { fires: svg("path", { class: "stem fires" }), rests: svg("path", { class: "stem" }) };
  const knot = svg("rect", {
    class: "handle", width: 12, height: 12, role: "slider", tabindex: 0, "aria-label": "the drawn function at a knot",
    "aria-valuemin": limits[0], "aria-valuemax": limits[1],
  });
  let top, bottom;

  const draw = (canvas, width) => {
    const height = Math.max(250, Math.round(width * 0.42)), below = 110;
    canvas.replaceChildren(field);
    const frame = { left: 34, right: width - 10 };
    top = axes(canvas, {
      ...frame, top: 12, bottom: height - 14,
      x: { from: -B, to: B, ticks: ticks.x.map((tick) => [tick, ""]), label: "" },
      y: { from: limits[0], to: limits[1], ticks: ticks.y },
    });
    bottom = axes(canvas, {
      ...frame, top: height + 14, bottom: height + below,
      x: { from: -B, to: B, ticks: ticks.x, label: "x" },
      y: { from: -1, to: 1, ticks: [0] },
    });
    set(field, { x: frame.left, y: 0, width: frame.right - frame.left, height });
    canvas.append(area, curve, here, ...Object.values(stems), knot);
    if (shown) place();
    return height + below + 44;
  };

  let shown = null, at = Math.floor(knots / 2);

  const place = () => {
    const { values, net, fired } = shown;
    const { across, up } = top;
    const outline = net.heights.flatMap((h, i) => [[across(net.edges[i]), up(h)], [across(net.edges[i + 1]), up(h)]]);
    set(area, { d: `${path([[across(-B), up(0)], ...outline, [across(B), up(0)]])}Z` });
    set(curve, { d: path(grid(values).map((x, i) => [across(x), up(values[i])])) });
    const place = across(control.x.value);
    set(here, { d: `M${place} ${up(limits[1])}V${bottom.up(-1)}` });
    const longest = Math.max(...net.c.map(Math.abs)) || 1;
    const drawn = net.c.map((c, i) => `M${across(net.edges[i])} ${bottom.up(0)}V${bottom.up(c / longest)}`);
    set(stems.fires, { d: drawn.slice(0, fired).join("") });
    set(stems.rests, { d: drawn.slice(fired).join("") });
    set(knot, {
      x: across(grid(samples[OWN])[at]) - 6, y: up(samples[OWN][at]) - 6,
      display: isOwn() ? null : "none", tabindex: isOwn() ? 0 : -1, "aria-valuenow": samples[OWN][at],
      "aria-valuetext": `${hwLive.format(samples[OWN][at], 2)} at x ${hwLive.format(grid(samples[OWN])[at], 2)}`,
    });
    field.classList.toggle("open", isOwn());
  };

  // ---- Drawing by hand -----------------------------------------------------------------------

  const clamp = (value) => Math.min(limits[1], Math.max(limits[0], value));
  const index = (pixel) => Math.round((top.across.back(pixel) / B + 1) / 2 * (knots - 1));
  let last = null;

  const stroke = (event) => {
    const { left, top: head } = canvas.getBoundingClientRect();
    const i = Math.min(knots - 1, Math.max(0, index(event.clientX - left)));
    const value = Number(clamp(top.up.back(event.clientY - head)).toFixed(2));
    const from = last ?? { i, value }, steps = Math.abs(i - from.i);
    for (let k = 0; k <= steps; k++) {
      const share = steps ? k / steps : 1;
      samples[OWN][from.i + Math.sign(i - from.i) * k] = from.value + share * (value - from.value);
    }
    last = { i, value };
    at = i;
    update();
  };

  hwLive.hold(field, () => isOwn());
  field.addEventListener("pointerdown", (event) => {
    if (!isOwn() || event.button !== 0) return;
    event.preventDefault();
    field.setPointerCapture(event.pointerId);
    last = null;
    stroke(event);
  });
  field.addEventListener("pointermove", (event) => { if (field.hasPointerCapture(event.pointerId)) stroke(event); });
  arrows(knot, (right, up) => {
    at = Math.min(knots - 1, Math.max(0, at + right));
    samples[OWN][at] = Number(clamp(samples[OWN][at] + up * 0.1).toFixed(4));
    update();
  });

  // ---- Everything together -------------------------------------------------------------------

  const first = functions[0].name;
  const flat = () => Array(knots).fill(0);
  samples[OWN] = flat();
  const control = {
    f: choice({ label: "f", value: first, options: [...functions.map(({ name, text }) => [name, text]), [OWN, "your own: draw it"]] }, () => update()),
    N: slider({ name: "N", label: "boxes", min: 1, max: most, step: 1, value: N }, () => update()),
    x: slider({ name: "x", label: "x", min: -B, max: B, step: 0.05, value: x }, () => update()),
  };
  const isOwn = () => control.f.select.value === OWN;
  const erase = button("Erase the drawing", () => { samples[OWN] = flat(); update(); });
  const { nodes, say } = words();

  const update = () => {
    const values = samples[control.f.select.value], x = control.x.value;
    const net = network(values, control.N.value), fired = firing(net, x);
    const output = net.c.slice(0, fired).reduce((a, b) => a + b, 0);
    shown = { values, net, fired };
    erase.hidden = !isOwn();
    say(number("boxes", control.N.value, 0), control.N.value === 1 ? " box, " : " boxes, ", number("neurons", net.edges.length, 0),
      " neurons. The largest error is ", number("error", largestError(values, net)), ", and the bound LB/N, with the largest slope L = ",
      number("L", steepest(values)), ", is ", number("bound", steepest(values) * B / control.N.value),
      ". At x, ", number("fired", fired, 0), fired === 1 ? " neuron fires, and its weight is " : " neurons fire; their weights sum to ", number("output", output),
      ", where f is ", number("f", interpolate(values, x)), ".");
    if (top) place();
  };

  const plot = html("div");
  box.append(plot, html("div", { class: "hw-live-rows" }, control.f.row, control.N.row, control.x.row,
    html("div", { class: "hw-live-row" }, erase, button("Start again", () => {
      control.f.select.value = first;
      control.N.value = N;
      control.x.value = x;
      samples[OWN] = flat();
      update();
    }))), ...nodes);
  update();
  const canvas = stage(plot, "The function, the sum of boxes over it, and below them the neurons", draw);
});
