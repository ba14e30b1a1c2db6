// A network of two inputs, two sigmoid units and two classes: every number on its way forward and
// back, step by step, and what moves when one of its parameters does.
"use strict";

hwLive.figure("backprop", (box, { x, W, b, y, limits, step: start }) => {
  const { button, choice, html, number, set, show, slider, stage, svg, text, words } = hwLive;
  const BOTH = [0, 1], SUB = ["₁", "₂"];

  // ---- The network ---------------------------------------------------------------------------

  const dot = (row, vector) => row[0] * vector[0] + row[1] * vector[1];
  const sigmoid = (z) => 1 / (1 + Math.exp(-z));

  // All values by name: W12 is row 1, column 2; a layer's letter or digit comes first.
  const evaluate = (given) => {
    const at = { ...given };
    const W = (layer, i) => BOTH.map((j) => at[`W${layer}${i + 1}${j + 1}`]);
    const vector = (name) => BOTH.map((i) => at[`${name}${i + 1}`]);
    for (const i of BOTH) at[`z1${i + 1}`] = dot(W(1, i), vector("x")) + at[`b1${i + 1}`];
    for (const i of BOTH) at[`a1${i + 1}`] = sigmoid(at[`z1${i + 1}`]);
    for (const i of BOTH) at[`z2${i + 1}`] = dot(W(2, i), vector("a1")) + at[`b2${i + 1}`];
    const z = vector("z2"), largest = Math.max(...z), e = z.map((score) => Math.exp(score - largest));
    for (const i of BOTH) at[`p${i + 1}`] = e[i] / (e[0] + e[1]);
    at.loss = Math.log(e[0] + e[1]) + largest - z[label()];
    // Predicted minus wanted; 1 − p is the other probability, and does not cancel.
    for (const i of BOTH) at[`d2${i + 1}`] = i === label() ? -at[`p${2 - i}`] : at[`p${i + 1}`];
    for (const j of BOTH) {
      const back = BOTH.reduce((sum, i) => sum + at[`W2${i + 1}${j + 1}`] * at[`d2${i + 1}`], 0);
      at[`d1${j + 1}`] = back * at[`a1${j + 1}`] * (1 - at[`a1${j + 1}`]);
    }
    for (const i of BOTH) {
      for (const j of BOTH) {
        at[`gW1${i + 1}${j + 1}`] = at[`d1${i + 1}`] * at[`x${j + 1}`];
        at[`gW2${i + 1}${j + 1}`] = at[`d2${i + 1}`] * at[`a1${j + 1}`];
      }
    }
    return at;
  };

  // What each step makes known, and its formula.
  const STEPS = [
    [["x", "W", "b"], "The input and the parameters."],
    [["z1"], "Forward: z₁ = W₁x + b₁."],
    [["a1"], "Forward: a₁ = σ(z₁)."],
    [["z2"], "Forward: z₂ = W₂a₁ + b₂."],
    [["p"], "Forward: p = softmax(z₂)."],
    [["loss"], "Forward: ℓ = −log p, at the right class."],
    [["d2"], "Backward: δ₂ = p − e, which is also the derivative in b₂."],
    [["gW2"], "Backward: the derivative in W₂ is δ₂a₁ᵀ."],
    [["d1"], "Backward: δ₁ = (W₂ᵀδ₂) ⊙ a₁(1 − a₁), which is also the derivative in b₁."],
    [["gW1"], "Backward: the derivative in W₁ is δ₁xᵀ."],
  ];
  const FORWARD = 5, LAST = STEPS.length - 1;
  const stepOf = (name) => STEPS.findIndex(([kinds]) => kinds.some((kind) => name.startsWith(kind)));
  const isSlope = (name) => /^[dg]/.test(name);

  // ---- The drawing ---------------------------------------------------------------------------

  const SPOKEN = { W: "W", b: "b", z: "z", a: "a", d: "δ", p: "p", x: "x" };
  const slots = {}; // the text of each number, by its name
  const edges = {};
  let drawn = false;

  const slot = (name, px, py, anchor, prefix = "") => {
    const value = number(name, 0, 3, svg("tspan"));
    const node = text(px, py, prefix, {
      class: isSlope(name) ? "halo slope" : "halo value", "text-anchor": anchor, role: "img",
    });
    node.append(value);
    if (control.parameter.names.includes(name)) node.addEventListener("click", () => control.pick(name));
    slots[name] = { node, value };
    return node;
  };

  const ROWS = [34, 176, 330, 440], RADIUS = 17, NEAR = 0.24;

  const draw = (canvas, width) => {
    const across = [0.31 * width, 0.69 * width], middle = width / 2;
    const outside = (i) => [across[i] + (i ? RADIUS + 6 : -RADIUS - 6), i ? "start" : "end"];
    canvas.replaceChildren();
    const texts = [];
    const edge = (name, from, to) => {
      edges[name] = svg("path", { class: "edge", d: `M${from}L${to}` });
      canvas.append(edges[name]);
    };
    for (const layer of [1, 2]) {
      for (const i of BOTH) {
        for (const j of BOTH) {
          const name = `W${layer}${i + 1}${j + 1}`, from = [across[j], ROWS[layer - 1]], to = [across[i], ROWS[layer]];
          edge(name, from, to);
          const share = i === j ? 0.5 : NEAR, aside = i === j ? (i ? 8 : -8) : 0;
          const px = from[0] + share * (to[0] - from[0]) + aside, py = from[1] + share * (to[1] - from[1]);
          const anchor = i !== j ? "middle" : i ? "start" : "end";
          texts.push(slot(name, px, py, anchor), slot(`g${name}`, px, py + 15, anchor));
        }
      }
    }
    BOTH.forEach((i) => edge(`p${i + 1}`, [across[i], ROWS[2]], [middle, ROWS[3]]));
    const unit = (name, px, py) => canvas.append(
      svg("circle", { class: "unit", cx: px, cy: py, r: RADIUS }),
      text(px, py + 5, name, { "text-anchor": "middle", "aria-hidden": true }));
    BOTH.forEach((i) => {
      const [px, anchor] = outside(i);
      unit(`x${SUB[i]}`, across[i], ROWS[0]);
      unit("σ", across[i], ROWS[1]);
      unit(`p${SUB[i]}`, across[i], ROWS[2]);
      texts.push(slot(`x${i + 1}`, px, ROWS[0] + 5, anchor));
      [["b1", "b "], ["z1", "z "], ["a1", "a "], ["d1", "δ "]].forEach(([kind, prefix], line) =>
        texts.push(slot(`${kind}${i + 1}`, px, ROWS[1] - 19 + 15 * line, anchor, prefix)));
      [["b2", "b "], ["z2", "z "], ["p", "p "], ["d2", "δ "]].forEach(([kind, prefix], line) =>
        texts.push(slot(`${kind}${i + 1}`, px, ROWS[2] - 19 + 15 * line, anchor, prefix)));
    });
    unit("ℓ", middle, ROWS[3]);
    texts.push(slot("loss", middle + RADIUS + 6, ROWS[3] + 5, "start"));
    canvas.append(...texts);
    drawn = true;
    if (shown) place();
    return ROWS[3] + 30;
  };

  let shown = null;
  const MOVED = 5e-4; // half of the last digit on show

  const hasMoved = (name) => isSlope(name) && Math.abs(shown[name] - before[name]) >= MOVED;

  const place = () => {
    const now = control.step.value, active = STEPS[now][0];
    for (const [name, { node, value }] of Object.entries(slots)) {
      const known = stepOf(name) <= now;
      set(node, { display: known ? null : "none" });
      if (known) {
        set(value, { "data-name": name });
        show(value, shown[name], 3);
        set(node, { "aria-label": `${titled(name)} ${value.textContent}` });
      } else value.removeAttribute("data-name");
      node.classList.toggle("moved", known && hasMoved(name));
      node.classList.toggle("active", active.some((kind) => name.startsWith(kind)) && now > 0);
      node.classList.toggle("chosen", name === control.parameter.select.value);
    }
    for (const [name, edge] of Object.entries(edges)) {
      const used = { W1: [1, 9], W2: [3, 7, 8], p1: [5, 6], p2: [5, 6] }[name.slice(0, 2)];
      set(edge, { class: used.includes(now) ? `edge ${now > FORWARD ? "second" : "first"}` : "edge" });
    }
  };

  // ---- Everything together -------------------------------------------------------------------

  const first = { x1: x[0], x2: x[1] };
  W.forEach((matrix, layer) => matrix.forEach((row, i) => row.forEach((weight, j) => { first[`W${layer + 1}${i + 1}${j + 1}`] = weight; })));
  b.forEach((vector, layer) => vector.forEach((bias, i) => { first[`b${layer + 1}${i + 1}`] = bias; }));
  let parameters = { ...first }, before;

  const spoken = (name) => {
    const digits = [...name.replace(/\D/g, "")].map((digit) => "₀₁₂"[digit]).join("");
    return `${SPOKEN[name.replace(/^g/, "")[0]]}${digits.length > 1 ? `${digits[0]},${digits.slice(1)}` : digits}`;
  };

  const titled = (name) => (name === "loss" ? name : `${name.startsWith("g") ? "derivative in " : ""}${spoken(name)}`);

  const control = {
    step: slider({ name: "step", label: "step", min: 0, max: LAST, step: 1, value: start }, () => update()),
    answer: choice({ label: "right class", value: String(y), options: BOTH.map((i) => [String(i), String(i + 1)]) }, () => update()),
    parameter: choice({ label: "change", value: "W211", options: Object.keys(first).map((name) => [name, spoken(name)]) }, () => control.pick()),
    value: slider({ name: "parameter", label: "its value", min: limits[0], max: limits[1], step: 0.05, value: first.W211 }, () => {
      parameters[control.parameter.select.value] = control.value.value;
      update();
    }),
    pick: (name = control.parameter.select.value) => {
      control.parameter.select.value = name;
      control.value.value = parameters[name];
      update();
    },
  };
  control.parameter.names = Object.keys(first);
  const label = () => Number(control.answer.select.value);
  const { nodes, say } = words();
  const walk = (by) => { control.step.value += by; update(); };
  const back = button("One step back", () => walk(-1)), on = button("One step on", () => walk(1));

  const update = () => {
    shown = evaluate(parameters);
    const now = control.step.value;
    // The pressed button keeps the focus at an end.
    set(back, { "aria-disabled": now === 0 });
    set(on, { "aria-disabled": now === LAST });
    const slopes = Object.keys(shown).filter(isSlope), known = slopes.filter((name) => stepOf(name) <= now);
    const moved = known.filter(hasMoved);
    const most = moved.reduce((best, name) =>
      (best && Math.abs(shown[best] - before[best]) >= Math.abs(shown[name] - before[name]) ? best : name), null);
    say(STEPS[now][1], " ", ...(known.length ? [number("moved", moved.length, 0), " of ", number("known", known.length, 0), " derivatives have moved"] : []),
      ...(most ? [", most that in ", spoken(most.replace(/^d/, "b")), ", by ", number("most", shown[most] - before[most]), "."] : known.length ? "." : []));
    if (drawn) place();
  };

  before = evaluate(parameters);
  const left = html("div", { class: "hw-live-network" });
  const right = html("div", {}, html("div", { class: "hw-live-rows" },
    control.step.row, html("div", { class: "hw-live-row" }, back, on),
    control.answer.row, control.parameter.row, control.value.row,
    html("div", { class: "hw-live-row" },
      button("Compare with this", () => { before = evaluate(parameters); update(); }),
      button("Start again", () => {
        parameters = { ...first };
        control.answer.select.value = String(y);
        control.step.value = start;
        before = evaluate(parameters);
        control.pick("W211");
      }))), ...nodes);
  box.append(html("div", { class: "hw-live-pair" }, left, right));
  update();
  stage(left, "The network, from its inputs down to its loss, with the values and the derivatives", draw);
});
