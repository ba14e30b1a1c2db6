// Points to drag, with the ℓ1 line, the least-squares line, and the certificate of the first.
"use strict";

hwLive.figure("lad", (box, { x, y, limits, ticks, step }) => {
  const {
    arrows, axes, button, drag, html, legible, number, path, set, slider, stage, svg, text, words,
  } = hwLive;
  const n = x.length, rows = [...x.keys()];
  const sum = (values) => values.reduce((a, b) => a + b, 0);
  // What rounding leaves of two equal losses, and of a residual that is 0, as shares of the numbers that
  // they are the sums of. Larger shares would take nearly equal lines for equal ones, and prove nothing:
  // no more than four decimals of a point can be set.
  const SAME_LOSS = 1e-13, ON_THE_LINE = 1e-12, DECIMALS = 4;

  // ---- Fits ----------------------------------------------------------------------------------

  const residuals = ([b, m], x, y) => y.map((target, i) => target - b - m * x[i]);

  // The loss, or some larger number than `most` if the loss exceeds it.
  const loss = ([b, m], x, y, most) => {
    let total = 0;
    for (let i = 0; i < n && total <= most; i++) total += Math.abs(y[i] - b - m * x[i]);
    return total;
  };

  const middle = (values) => (Math.min(...values) + Math.max(...values)) / 2;

  const median = (values) => {
    const sorted = [...values].sort((a, b) => a - b);
    return (sorted[(n - 1) >> 1] + sorted[n >> 1]) / 2;
  };

  // Every line through two points is a corner of the loss, and one of them is best. Where several
  // are, so is all between them: the middle of the intercepts is taken, and there that of the slopes.
  const fit = (x, y) => {
    let best = Infinity, corners = [];
    const [sumX, sumY] = [x, y].map((values) => sum(values.map(Math.abs)));
    const close = (one, other) => Math.abs(one - other) <= ON_THE_LINE * (1 + Math.abs(other));
    for (let i = 0; i < n; i++) {
      for (let k = 0; k < i; k++) {
        if (x[i] === x[k]) continue;
        const m = (y[i] - y[k]) / (x[i] - x[k]), w = [y[i] - m * x[i], m];
        const slack = SAME_LOSS * (sumY + n * Math.abs(w[0]) + Math.abs(m) * sumX);
        const here = loss(w, x, y, best + slack);
        if (here > best + slack) continue;
        if (here < best - slack) corners = [];
        if (!corners.some((known) => close(w[0], known[0]) && close(w[1], known[1]))) corners.push(w);
        best = Math.min(best, here);
      }
    }
    if (!corners.length) return { w: [median(y), 0], open: true };
    const b = middle(corners.map((w) => w[0]));
    const slopes = corners.flatMap((p) => corners.map((q) => {
      if (p[0] === q[0]) return close(p[0], b) ? p[1] : null;
      const share = (b - p[0]) / (q[0] - p[0]);
      return share < 0 || share > 1 ? null : p[1] + share * (q[1] - p[1]);
    })).filter((slope) => slope !== null);
    return { w: [b, middle(slopes)], open: false };
  };

  const leastSquares = (x, y) => {
    const [mx, my] = [sum(x) / n, sum(y) / n];
    const spread = sum(x.map((value) => (value - mx) ** 2));
    const m = spread ? sum(x.map((value, i) => (value - mx) * (y[i] - my))) / spread : 0;
    return [my - m * mx, m];
  };

  // s is the sign of each residual; on the line it is chosen so that s and x·s sum to 0. Given the
  // sum of those, x·s is largest if the rightmost get 1 first, and smallest if the leftmost do.
  const certificate = ([b, m], r, x, y) => {
    const terms = (i) => Math.abs(y[i]) + Math.abs(b) + Math.abs(m * x[i]);
    const on = rows.filter((i) => Math.abs(r[i]) <= ON_THE_LINE * terms(i)).sort((i, k) => x[i] - x[k]);
    const s = r.map((value, i) => (on.includes(i) ? 0 : Math.sign(value)));
    const [wanted, tilt] = [-sum(s), -sum(s.map((value, i) => value * x[i]))];
    const fill = (order) => {
      let left = wanted + order.length;
      return new Map(order.map((i) => {
        const part = Math.min(2, Math.max(0, left));
        left -= part;
        return [i, part - 1];
      }));
    };
    const [low, high] = [fill(on), fill([...on].reverse())];
    const reach = (filled) => sum(on.map((i) => filled.get(i) * x[i]));
    const span = reach(high) - reach(low);
    const share = span ? Math.min(1, Math.max(0, (tilt - reach(low)) / span)) : 0.5;
    for (const i of on) s[i] = low.get(i) + share * (high.get(i) - low.get(i));
    return { s, on };
  };

  // ---- The drawing ---------------------------------------------------------------------------

  let scales;
  const lines = {
    l1: svg("path", { class: "line first" }), squares: svg("path", { class: "line second dashed" }),
  };
  const shapes = rows.map(() => svg("path"));
  const marks = rows.map((i) => svg("g", { class: "handle", role: "slider", "aria-label": `point ${i + 1}` },
    svg("circle", { class: "reach", r: 12 }), shapes[i]));
  const SHAPES = { above: "M-7 5H7L0 -7Z", below: "M-7 -5H7L0 7Z", on: "M-6 -6H6V6H-6Z" };

  const draw = (canvas, width) => {
    const height = Math.max(260, Math.round(width * 0.52));
    canvas.replaceChildren();
    scales = axes(canvas, {
      left: 34, right: width - 10, top: 24, bottom: height - 40,
      x: { from: limits.x[0], to: limits.x[1], ticks: ticks.x, label: "feature" },
      y: { from: limits.y[0], to: limits.y[1], ticks: ticks.y, label: "target" },
    });
    canvas.append(
      svg("path", { class: "line first", d: `M${width - 178} 12h24` }), text(width - 148, 16, "ℓ1"),
      svg("path", { class: "line second dashed", d: `M${width - 122} 12h24` }), text(width - 92, 16, "least squares"),
      ...Object.values(lines), ...marks);
    if (shown) place();
    return height;
  };

  let shown = null;

  // The part of a line that lies within the axes.
  const clipped = ([b, m]) => {
    const reach = m ? limits.y.map((value) => (value - b) / m).sort((one, other) => one - other) : limits.x;
    const from = Math.max(limits.x[0], reach[0]), to = Math.min(limits.x[1], reach[1]);
    return from > to ? [] : [from, to].map((value) => [scales.across(value), scales.up(b + m * value)]);
  };

  const place = () => {
    const { s, on, r } = shown;
    for (const name of ["l1", "squares"]) set(lines[name], { d: path(clipped(shown[name])) });
    rows.forEach((i) => {
      const px = scales.across(x[i]), py = scales.up(y[i]);
      const shape = on.includes(i) ? "on" : r[i] > 0 ? "above" : "below";
      const hue = s[i] >= 0 ? "--hw-c0" : "--hw-c1";
      set(shapes[i], { d: SHAPES[shape] });
      set(marks[i], {
        transform: `translate(${px.toFixed(2)} ${py.toFixed(2)})`,
        style: `fill: color-mix(in srgb, var(${hue}) ${(100 * Math.abs(s[i])).toFixed(1)}%, var(--hw-paper))`,
        class: i === chosen() ? "handle chosen" : "handle", tabindex: i === chosen() ? 0 : -1,
        "aria-valuemin": limits.y[0], "aria-valuemax": limits.y[1], "aria-valuenow": y[i],
        "aria-valuetext": `feature ${legible(x[i])}, target ${legible(y[i])}, ${shape === "on" ? "on" : shape} the ℓ1 line, s ${hwLive.format(s[i], 2)}`,
      });
    });
  };

  // ---- Controls and words --------------------------------------------------------------------

  const control = {
    point: slider({ name: "point", label: "point", min: 1, max: n, step: 1, value: 1 }, () => follow()),
    x: slider({ name: "x", label: "feature", min: limits.x[0], max: limits.x[1], step, value: x[0], decimals: DECIMALS }, () => moved()),
    y: slider({ name: "y", label: "target", min: limits.y[0], max: limits.y[1], step, value: y[0], decimals: DECIMALS }, () => moved()),
  };
  const chosen = () => Math.round(control.point.value) - 1;
  const follow = () => {
    control.x.value = x[chosen()];
    control.y.value = y[chosen()];
    update();
  };
  const choose = (i) => {
    control.point.value = i + 1;
    follow();
  };
  const moved = () => {
    x[chosen()] = control.x.value;
    y[chosen()] = control.y.value;
    update();
  };
  const moveTo = (across, up) => {
    control.x.value = across;
    control.y.value = up;
    moved();
  };

  const cell = {};
  const row = (name, key) => {
    const numbers = ["intercept", "slope", "loss", "squares"].map((column) => {
      cell[key + column] = number(`${key}-${column}`, 0, 3, "td");
      return cell[key + column];
    });
    return html("tr", {}, html("th", { scope: "row" }, name), ...numbers);
  };
  const table = html("table", { "aria-label": "The two lines" },
    html("thead", {}, html("tr", {}, html("td"), ...["intercept", "slope", "Σ|r|", "Σr²"].map((name) => html("th", { scope: "col" }, name)))),
    html("tbody", {}, row("ℓ1", "l1"), row("least squares", "ls")));
  const { nodes, say } = words();

  const update = () => {
    const { w: l1, open } = fit(x, y), squares = leastSquares(x, y);
    const r = residuals(l1, x, y);
    const { s, on } = certificate(l1, r, x, y);
    shown = { l1, squares, s, on, r };
    for (const [key, w] of [["l1", l1], ["ls", squares]]) {
      const left = residuals(w, x, y);
      const values = { intercept: w[0], slope: w[1], loss: sum(left.map(Math.abs)), squares: sum(left.map((value) => value ** 2)) };
      for (const [column, value] of Object.entries(values)) hwLive.show(cell[key + column], value, 3);
    }
    const total = sum(r.map(Math.abs)), bound = sum(s.map((value, i) => value * y[i]));
    const carriers = on.map((i) => i + 1).sort((a, b) => a - b);
    say(open ? "All points have the same feature, so any slope would do. " : "",
      carriers.length ? "On the ℓ1 line: " : "No point is on the ℓ1 line",
      ...carriers.flatMap((i, k) => [
        k ? " and point " : "point ", number(`carrier${k + 1}`, i, 0), " with s = ", number(`s${i}`, s[i - 1], 2),
      ]), ". ",
      "The certificate proves that no line has a loss below ", number("bound", bound), "; this one has ",
      number("loss", total), ", so the gap is ", number("gap", total - bound), ".");
    if (scales) place();
  };

  const start = { x: [...x], y: [...y] };
  const plot = html("div");
  box.append(plot, html("div", { class: "hw-live-rows" }, control.point.row, control.x.row, control.y.row,
    button("Start again", () => {
      rows.forEach((i) => { x[i] = start.x[i]; y[i] = start.y[i]; });
      follow();
    })), table, ...nodes);
  update();
  const canvas = stage(plot, "Points with the ℓ1 line and the least-squares line", draw);
  marks.forEach((mark, i) => {
    mark.addEventListener("focus", () => { if (chosen() !== i) choose(i); });
    drag(mark, canvas, (across, up) => moveTo(
      Number(scales.across.back(across).toFixed(2)), Number(scales.up.back(up).toFixed(2))));
    arrows(mark, (right, up) => moveTo(
      Number((x[i] + right * step).toFixed(DECIMALS)), Number((y[i] + up * step).toFixed(DECIMALS))));
  });
});
