// The trained network: a test picture to draw on, its ten probabilities, and the first hidden layer.
"use strict";

hwLive.figure("fashion", (box, { sizes, side, classes, pictures, partBytes }) => {
  const { arrows, button, choice, html, number, part, set, show, slider, stage, svg, words } = hwLive;

  // ---- The network ---------------------------------------------------------------------------

  // The part begins with the steps and the biases of all rows, in float32; then come the weights,
  // a byte each, as multiples of their row's step; then the pictures.
  const unpack = (bytes) => {
    const rows = sizes.slice(1).reduce((a, b) => a + b);
    const reals = new Float32Array(bytes.buffer, 0, 2 * rows);
    let real = 0, at = reals.byteLength;
    const layers = sizes.slice(1).map((outputs, layer) => {
      const inputs = sizes[layer];
      const steps = reals.subarray(real, real + outputs), biases = reals.subarray(rows + real, rows + real + outputs);
      const weights = new Int8Array(bytes.buffer, at, inputs * outputs);
      real += outputs;
      at += inputs * outputs;
      return { inputs, outputs, steps, biases, weights };
    });
    const images = pictures.map((_, i) => bytes.subarray(at + i * side * side, at + (i + 1) * side * side));
    return { layers, images };
  };

  const apply = ({ inputs, outputs, steps, biases, weights }, a) => {
    const z = new Float64Array(outputs);
    for (let i = 0; i < outputs; i++) {
      let sum = 0;
      for (let j = 0; j < inputs; j++) sum += weights[i * inputs + j] * a[j];
      z[i] = steps[i] * sum + biases[i];
    }
    return z;
  };

  const softmax = (z) => {
    const largest = Math.max(...z), e = z.map((score) => Math.exp(score - largest));
    const sum = e.reduce((a, b) => a + b);
    return e.map((value) => value / sum);
  };

  const evaluate = (layers, pixels) => {
    let a = Float64Array.from(pixels, (level) => level / 255), hidden;
    layers.forEach((layer, k) => {
      const z = apply(layer, a);
      a = k < layers.length - 1 ? z.map((value) => Math.max(0, value)) : softmax(z);
      if (k === 0) hidden = a;
    });
    return { hidden, p: a };
  };

  // ---- The figure ----------------------------------------------------------------------------

  const play = ({ layers, images }) => {
    const pixels = new Uint8Array(side * side), cursor = [side >> 1, side >> 1];
    const { nodes, say } = words();

    // The picture is white on black in both themes, as the data are.
    const canvas = html("canvas", {
      width: side, height: side, tabindex: 0, role: "application", "aria-roledescription": "picture to draw on",
      "aria-label": "The picture. Arrow keys move the brush; the space bar uses it.",
    });
    const context = canvas.getContext("2d", { willReadFrequently: true }); // too small for a GPU
    const paint = () => {
      const image = context.createImageData(side, side);
      pixels.forEach((level, i) => image.data.set([level, level, level, 255], 4 * i));
      context.putImageData(image, 0, 0);
    };

    const stroke = (row, column) => {
      const level = control.tool.select.value === "draw" ? 255 : 0, width = control.brush.value;
      const first = (place) => Math.round(place - (width - 1) / 2);
      for (let i = first(row); i < first(row) + width; i++) {
        for (let j = first(column); j < first(column) + width; j++) {
          if (i >= 0 && i < side && j >= 0 && j < side) pixels[i * side + j] = level;
        }
      }
      cursor.splice(0, 2, row, column);
    };

    const place = (event) => {
      const { left, top, width, height } = canvas.getBoundingClientRect();
      const inside = (share) => Math.min(side - 1, Math.max(0, Math.floor(share * side)));
      return [inside((event.clientY - top) / height), inside((event.clientX - left) / width)];
    };
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      event.preventDefault();
      canvas.setPointerCapture(event.pointerId);
      canvas.focus({ preventScroll: true });
      stroke(...place(event));
      update();
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!canvas.hasPointerCapture(event.pointerId)) return;
      const [from, to] = [[...cursor], place(event)];
      const steps = Math.max(1, ...to.map((end, axis) => Math.abs(end - from[axis])));
      for (let k = 1; k <= steps; k++) {
        stroke(...to.map((end, axis) => Math.round(from[axis] + (end - from[axis]) * k / steps)));
      }
      update();
    });
    arrows(canvas, (right, up) => {
      [cursor[0] - up, cursor[1] + right].forEach((to, axis) => { cursor[axis] = Math.min(side - 1, Math.max(0, to)); });
      update();
    });
    canvas.addEventListener("keydown", (event) => {
      if (event.key !== " ") return;
      event.preventDefault();
      stroke(...cursor);
      update();
    });
    ["focus", "blur"].forEach((name) => canvas.addEventListener(name, () => update()));

    const mark = html("span", { class: "cursor", "aria-hidden": "true" });
    const easel = html("div", { class: "hw-live-easel", style: `--pixels: ${side}` }, canvas, mark);

    // A cell for each unit of the first layer, the stronger the more it says.
    const COLUMNS = 32, cells = Array.from({ length: sizes[1] }, (_, i) => svg("rect", { "data-name": `h${i + 1}` }));
    const drawUnits = (drawing, width) => {
      const size = width / COLUMNS, rows = Math.ceil(cells.length / COLUMNS);
      cells.forEach((cell, i) => set(cell, {
        x: (i % COLUMNS) * size + 0.5, y: Math.floor(i / COLUMNS) * size + 0.5, width: size - 1, height: size - 1,
      }));
      drawing.append(...cells);
      return rows * size;
    };

    const bars = classes.map((name, k) => {
      const bar = html("span"), value = number(`p${k + 1}`, 0, 3, "td");
      const row = html("tr", {}, html("th", { scope: "row" }, name), html("td", { class: "bar" }, bar), value);
      return { row, bar, value };
    });
    const table = html("table", { class: "hw-live-ladder", "aria-label": "The ten probabilities" }, html("tbody", {}, ...bars.map((one) => one.row)));

    const take = () => {
      const i = Number(control.picture.select.value);
      if (i < 0) pixels.fill(0);
      else pixels.set(images[i]);
      update();
    };
    const control = {
      picture: choice({ label: "picture", value: "0", options: [...pictures.map(({ name }, i) => [String(i), name]), ["-1", "an empty one"]] }, take),
      tool: choice({ label: "brush", value: "erase", options: [["erase", "erases"], ["draw", "draws"]] }, () => update()),
      brush: slider({ name: "brush", label: "width", min: 1, max: 8, step: 1, value: 3 }, () => update()),
    };

    const update = () => {
      paint();
      const { hidden, p } = evaluate(layers, pixels), strongest = Math.max(...hidden) || 1;
      const says = p.indexOf(Math.max(...p)), i = Number(control.picture.select.value);
      cells.forEach((cell, k) => {
        cell.dataset.value = hidden[k];
        set(cell, { "fill-opacity": (hidden[k] / strongest).toFixed(3) });
      });
      bars.forEach(({ row, bar, value }, k) => {
        show(value, p[k], 3);
        bar.style.width = `${100 * p[k]}%`;
        row.classList.toggle("own", k === says);
      });
      const [row, column] = cursor;
      mark.hidden = canvas !== document.activeElement;
      mark.style.translate = `${100 * column}% ${100 * row}%`;
      say(`The network says ${classes[says]}, with a probability of `, number("probability", p[says]),
        i < 0 ? "" : `; the picture was one of class ${pictures[i].label}`, ". Of ", number("units", hidden.length, 0),
        " units in the first layer ", number("active", hidden.filter((value) => value > 0).length, 0),
        " are active, the strongest with ", number("strongest", Math.max(...hidden)), ".",
        ...(mark.hidden ? [] : [" The brush is at row ", number("row", row + 1, 0), ", column ", number("column", column + 1, 0),
          ", where the grey level is ", number("level", pixels[row * side + column], 0), "."]));
    };

    const units = html("div", { class: "hw-live-units" });
    box.replaceChildren(
      html("div", { class: "hw-live-pair" },
        html("div", {}, easel, control.picture.row, control.tool.row, control.brush.row,
          html("div", { class: "hw-live-row" },
            button("Empty the picture", () => { control.picture.select.value = "-1"; take(); }),
            button("Start again", () => {
              control.picture.select.value = "0";
              control.tool.select.value = "erase";
              control.brush.value = 3;
              take();
            }))),
        html("div", {}, table)),
      units, ...nodes);
    stage(units, `The first hidden layer: a cell for each of its ${sizes[1]} units`, drawUnits);
    take();
  };

  // ---- On request ----------------------------------------------------------------------------

  return new Promise((done) => {
    const note = html("p", { class: "hw-live-words", role: "status" });
    const load = button(`Load the network and its pictures, ${Math.round(partBytes * 4 / 3 / 1000)} kB`, async () => {
      note.textContent = "Loading.";
      try {
        play(unpack(await part("fashion")));
      } catch {
        note.textContent = "The network could not be loaded. It lies beside the pages, in the folder live.";
        return;
      }
      box.querySelector("canvas").focus({ preventScroll: true });
      done();
    });
    box.append(load, note);
  });
});
