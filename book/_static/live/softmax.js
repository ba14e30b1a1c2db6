// Three scores and a temperature: the point on the simplex, and the Jacobian beside it.
"use strict";

hwLive.figure("softmax", (box, { z, T, limits, temperatures, sizeIfEqual }) => {
  const { arrows, drag, html, number, path, set, show, slider, stage, svg, text, words } = hwLive;
  const CLASSES = [0, 1, 2], SUB = ["₁", "₂", "₃"];
  const DEAD = 0.01; // of the size at equal probabilities

  const softmax = (scores) => {
    const largest = Math.max(...scores);
    const e = scores.map((score) => Math.exp((score - largest) / controls.T.value));
    const sum = e.reduce((a, b) => a + b);
    return e.map((value) => value / sum);
  };

  // The diagonal takes 1 − y_i from the others: it does not cancel where y_i is nearly 1.
  const jacobian = (y, T) => CLASSES.map((i) => CLASSES.map((j) => {
    const others = CLASSES.filter((k) => k !== i).reduce((sum, k) => sum + y[k], 0);
    return y[i] * (i === j ? others : -y[j]) / T;
  }));

  const sizeOf = (J) => Math.hypot(...J.flat());

  // ---- The simplex ---------------------------------------------------------------------------

  const STEPS = 14, DOT = 7; // dots to a side, and the radius of the largest
  let corners, side;

  const place = (y) => [0, 1].map((axis) => CLASSES.reduce((sum, i) => sum + y[i] * corners[i][axis], 0));

  const draw = (canvas, width) => {
    side = Math.min(width - 56, 330);
    const left = (width - side) / 2, top = 24, height = side * Math.sqrt(3) / 2;
    corners = [[left, top + height], [left + side, top + height], [left + side / 2, top]];
    canvas.replaceChildren(svg("path", { class: "axis", d: `${path(corners)}Z` }));
    for (let a = 0; a <= STEPS; a++) {
      for (let b = 0; a + b <= STEPS; b++) {
        const y = [a, b, STEPS - a - b].map((part) => part / STEPS);
        const [x, up] = place(y);
        canvas.append(svg("circle", { class: "dot", cx: x, cy: up, r: DOT * sizeOf(jacobian(y, 1)) / sizeIfEqual }));
      }
    }
    canvas.append(
      text(corners[0][0], corners[0][1] + 20, "y₁ = 1", { "text-anchor": "middle" }),
      text(corners[1][0], corners[1][1] + 20, "y₂ = 1", { "text-anchor": "middle" }),
      text(corners[2][0], corners[2][1] - 10, "y₃ = 1", { "text-anchor": "middle" }),
      point);
    if (shown) movePoint();
    return top + height + 30;
  };

  const point = svg("circle", {
    class: "handle", r: 8, tabindex: 0, role: "slider", "aria-label": "the probabilities, as a point",
    "aria-valuemin": 0, "aria-valuemax": 1,
  });
  let shown = null;

  const movePoint = () => {
    const [cx, cy] = place(shown);
    set(point, {
      cx, cy, "aria-valuenow": shown[0],
      "aria-valuetext": CLASSES.map((i) => `y${SUB[i]} ${shown[i].toFixed(3)}`).join(", "),
    });
  };

  // Scores that have these probabilities, with the mean that they had.
  const LEAST = 1e-9;
  const reach = (y) => {
    const logs = y.map((value) => controls.T.value * Math.log(Math.max(value, LEAST)));
    const shift = CLASSES.reduce((sum, i) => sum + controls.z[i].value - logs[i], 0) / 3;
    CLASSES.forEach((i) => { controls.z[i].value = Number((logs[i] + shift).toFixed(2)); });
    update();
  };

  // Barycentric coordinates of a place in the drawing, moved into the triangle.
  const probabilitiesAt = (x, up) => {
    const third = (corners[0][1] - up) / (side * Math.sqrt(3) / 2);
    const second = (x - corners[0][0]) / side - third / 2;
    const inside = [1 - second - third, second, third].map((value) => Math.max(value, LEAST));
    const sum = inside.reduce((a, b) => a + b);
    return inside.map((value) => value / sum);
  };

  // ---- The Jacobian --------------------------------------------------------------------------

  const cells = CLASSES.map((i) => CLASSES.map((j) => number(`J${i + 1}${j + 1}`, 0, 3, "td")));
  const sums = CLASSES.map((i) => number(`sum${i + 1}`, 0, 3, "td"));
  const head = (content, scope) => html("th", { scope }, content);
  const table = html("table", { class: "hw-live-heat" },
    html("caption", {}, "∂yᵢ/∂zⱼ"),
    html("thead", {}, html("tr", {}, html("td"), ...SUB.map((j) => head(`z${j}`, "col")), head("sum", "col"))),
    html("tbody", {}, ...CLASSES.map((i) =>
      html("tr", {}, head(`y${SUB[i]}`, "row"), ...cells[i], sums[i]))));

  // ---- Everything together -------------------------------------------------------------------

  const controls = {
    z: CLASSES.map((i) => slider(
      { name: `z${i + 1}`, label: `z${SUB[i]}`, min: limits[0], max: limits[1], step: 0.1, value: z[i] }, () => update())),
    T: slider(
      { name: "T", label: "T", value: T, values: temperatures }, () => update()),
  };
  const { nodes, say } = words();

  const update = () => {
    const T = controls.T.value, y = softmax(controls.z.map((control) => control.value));
    const J = jacobian(y, T), size = sizeOf(J), share = size * T / sizeIfEqual;
    const strongest = Math.max(...J.flat().map(Math.abs)) || 1;
    shown = y;
    CLASSES.forEach((i) => {
      CLASSES.forEach((j) => {
        show(cells[i][j], J[i][j], 3);
        cells[i][j].dataset.sign = J[i][j] < 0 ? "minus" : "plus";
        cells[i][j].style.setProperty("--share", Math.abs(J[i][j]) / strongest);
      });
      show(sums[i], J[i].reduce((a, b) => a + b), 3);
    });
    if (corners) movePoint();
    say("The probabilities are ", number("y1", y[0]), ", ", number("y2", y[1]), " and ", number("y3", y[2]),
      ". The Jacobian’s size is ", number("size", size), ", ", number("percent", 100 * share, 1),
      "% of what it is at equal probabilities",
      share < DEAD ? ": here the gradient is dead." : ".");
  };

  const left = html("div"), right = html("div", {}, table);
  box.append(html("div", { class: "hw-live-pair" }, left, right),
    html("div", { class: "hw-live-rows" }, ...controls.z.map((control) => control.row), controls.T.row,
      hwLive.button("Start again", () => {
        CLASSES.forEach((i) => { controls.z[i].value = z[i]; });
        controls.T.value = T;
        update();
      })), ...nodes);
  update();
  const canvas = stage(left, "The simplex: a triangle with a dot for each place, as large as the Jacobian there", draw);
  drag(point, canvas, (x, up) => reach(probabilitiesAt(x, up)));
  arrows(point, (right, up) => {
    [0, right, up].forEach((steps, i) => {
      controls.z[i].value = Number((controls.z[i].value + 0.1 * steps).toFixed(4));
    });
    update();
  });
});
