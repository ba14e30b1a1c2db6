// What live figures share. A figure's script calls hwLive.figure(name, start); start gets an empty
// box, which takes the place of the still figure once start is done, and what the chapter's cell gave.
//
// Each number on show carries its full precision in data-value, and its name in data-name.
window.hwLive = (() => {
  "use strict";

  const ROOT = new URL("../../", document.currentScript.src);

  // ---- Elements ----------------------------------------------------------------------------

  // What stays the same is left alone: to set it again could cost a layout of the page.
  const set = (node, attributes) => {
    for (const [name, value] of Object.entries(attributes)) {
      if (typeof value === "function") node.addEventListener(name, value);
      else if (value === null || value === false) node.removeAttribute(name);
      else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value);
    }
    return node;
  };

  const filled = (node, attributes, children) => {
    set(node, attributes).append(...children);
    return node;
  };

  const html = (tag, attributes = {}, ...children) =>
    filled(document.createElement(tag), attributes, children);

  const svg = (tag, attributes = {}, ...children) =>
    filled(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);

  // ---- Numbers -----------------------------------------------------------------------------

  // A size that the digits do not reach is written as a power of ten; below TINY it is rounding.
  const TINY = 1e-12, HUGE = 1e6;

  const format = (value, digits) => {
    if (!Number.isFinite(value)) return "undefined";
    const size = Math.abs(value);
    if (size < TINY) return (0).toFixed(digits);
    const fits = size < HUGE && size >= 10 ** -digits / 2;
    return (fits ? value.toFixed(digits) : value.toExponential(1)).replaceAll("-", "−");
  };

  // A number as somebody would type it, without the digits that only arithmetic has.
  const legible = (value) => Number(value.toPrecision(6));

  // A text is changed in place: a new one would have the page look all its :has() rules up again,
  // which takes some fifty milliseconds beside the mathematics.
  const write = (node, text) => {
    if (node.firstChild) node.firstChild.data = text;
    else node.append(text);
  };

  const show = (node, value, digits) => {
    node.dataset.value = value;
    write(node, format(value, digits));
    return node;
  };

  const number = (name, value, digits = 3, node = "span") =>
    show(set(node.nodeType ? node : html(node), { "data-name": name }), value, digits);

  // ---- A figure ----------------------------------------------------------------------------

  const figure = (name, start) => {
    for (const given of document.querySelectorAll(`.hw-live-given[data-figure="${name}"]`)) {
      const still = given.previousElementSibling;
      const box = html("div", { class: "hw-live", "data-figure": name });
      given.after(box);
      Promise.resolve(start(box, JSON.parse(given.textContent)))
        .then(() => still.classList.add("hw-still"));
    }
  };

  // Words for the eyes, and the same for a screen reader once the figure has come to rest. The first
  // are there to be found: a page that opens announces nothing.
  const REST = 400; // milliseconds

  const words = () => {
    const seen = html("p", { class: "hw-live-words", "aria-hidden": true });
    const heard = html("p", { class: "hw-sr", role: "status" });
    let waiting = 0;
    const rewrite = (old, next) => {
      if (next.nodeType === Node.TEXT_NODE) old.data = next.data;
      else write(set(old, { "data-name": next.dataset.name, "data-value": next.dataset.value }), next.textContent);
    };
    const repeat = () => { heard.textContent = seen.textContent; };
    const say = (...pieces) => {
      const next = pieces.map((piece) => (piece.nodeType ? piece : new Text(piece))), old = [...seen.childNodes];
      const alike = next.length === old.length && next.every((node, k) => node.nodeName === old[k].nodeName);
      if (alike) old.forEach((node, k) => rewrite(node, next[k]));
      else seen.replaceChildren(...next);
      clearTimeout(waiting);
      if (heard.firstChild) waiting = setTimeout(repeat, REST);
      else repeat();
    };
    return { nodes: [seen, heard], say };
  };

  // ---- Controls ----------------------------------------------------------------------------

  // A slider and a field for one number. What cannot be read leaves the number as it was; what is
  // out of range counts as the nearest that is not. A step of 1 means whole numbers. With `values`
  // the slider has a place for each of them, and the field takes what lies between, too. Of what is
  // typed `decimals` count, if they are given.
  const slider = ({ name, label, min, max, step, value, values, decimals }, changed) => {
    if (values) [min, max] = [values[0], values.at(-1)];
    const nearest = (number) => values.reduce((best, one, i) =>
      (Math.abs(one - number) < Math.abs(values[best] - number) ? i : best), 0);
    const place = values ? nearest : (number) => number;
    const at = values ? (index) => values[index] : (number) => number;
    const allowed = (number) =>
      Math.min(max, Math.max(min, step === 1 ? Math.round(number) : number));
    const range = html("input", {
      type: "range", min: place(min), max: place(max), step: values ? 1 : step,
      "aria-label": label,
    });
    const field = html("input", { type: "number", min, max, step: "any", "aria-label": `${label}, as a number` });
    const row = html("div", { class: "hw-live-row" }, html("span", { "aria-hidden": true }, label), range, field);
    const take = (next) => {
      value = allowed(next);
      range.value = place(value);
      set(range, { "aria-valuetext": legible(value) });
      set(field, { "data-name": name, "data-value": value });
    };

    const control = {
      row,
      get value() { return value; },
      set value(next) {
        take(next);
        field.value = legible(value);
        set(field, { "aria-invalid": null });
      },
    };
    range.addEventListener("input", () => {
      control.value = at(range.valueAsNumber);
      changed();
    });
    field.addEventListener("input", () => {
      const typed = field.valueAsNumber;
      set(field, { "aria-invalid": typed !== allowed(typed) });
      if (Number.isNaN(typed)) return;
      take(decimals === undefined ? typed : Number(typed.toFixed(decimals)));
      changed();
    });
    field.addEventListener("change", () => { control.value = value; });
    control.value = value;
    return control;
  };

  const button = (text, pressed, attributes = {}) =>
    html("button", { type: "button", ...attributes, click: pressed }, text);

  const choice = ({ label, options, value }, changed) => {
    const select = html("select", { "aria-label": label, change: () => changed(select.value) });
    options.forEach(([name, text]) => select.append(html("option", { value: name }, text)));
    select.value = value;
    return { row: html("div", { class: "hw-live-row" }, html("span", { "aria-hidden": true }, label), select), select };
  };

  // ---- Drawings ----------------------------------------------------------------------------

  // A drawing as wide as its place, in pixels, so that its letters keep their size on a phone.
  const stage = (parent, label, draw) => {
    const canvas = svg("svg", { role: "group", "aria-label": label });
    parent.append(canvas);
    let width = 0;
    new ResizeObserver(() => {
      if (parent.clientWidth === width || !parent.clientWidth) return;
      width = parent.clientWidth;
      const focused = document.activeElement; // which a drawing anew takes out and puts back
      const height = draw(canvas, width);
      set(canvas, { width, height, viewBox: `0 0 ${width} ${height}` });
      if (canvas.contains(focused)) focused.focus({ preventScroll: true });
    }).observe(parent);
    return canvas;
  };

  const text = (x, y, content, attributes = {}) => svg("text", { x, y, ...attributes }, content);

  // Two axes with hairlines at the ticks. A tick is a number, or a pair of a number and its text.
  const axes = (canvas, { x, y, left, top, right, bottom }) => {
    const scale = ({ from, to, log }, low, high) => {
      const place = log ? Math.log10 : (value) => value;
      const [a, b] = [place(from), place(to)];
      const there = (value) => low + (high - low) * (place(value) - a) / (b - a);
      there.back = (pixel) => a + (b - a) * (pixel - low) / (high - low);
      return there;
    };
    const across = scale(x, left, right), up = scale(y, bottom, top);
    const pair = (tick) => (Array.isArray(tick) ? tick : [tick, String(tick).replace("-", "−")]);
    for (const [value, name] of x.ticks.map(pair)) {
      canvas.append(
        svg("path", { class: "grid", d: `M${across(value)} ${top}V${bottom}` }),
        text(across(value), bottom + 16, name, { class: "tick", "text-anchor": "middle" }));
    }
    for (const [value, name] of y.ticks.map(pair)) {
      canvas.append(
        svg("path", { class: "grid", d: `M${left} ${up(value)}H${right}` }),
        text(left - 6, up(value) + 4, name, { class: "tick", "text-anchor": "end" }));
    }
    canvas.append(text((left + right) / 2, bottom + 33, x.label, { "text-anchor": "middle" }));
    if (y.label) canvas.append(text(left, top - 8, y.label, { "text-anchor": "start" }));
    return { across, up };
  };

  const path = (points) => points.map(([x, y], i) => `${i ? "L" : "M"}${x.toFixed(2)} ${y.toFixed(2)}`).join("");

  // ---- Pointers and keys -------------------------------------------------------------------

  // A finger on what can be dragged does not scroll the page: SVG heeds no touch-action.
  const hold = (mark, isHeld = () => true) => mark.addEventListener("touchstart", (event) => {
    if (isHeld()) event.preventDefault();
  }, { passive: false });

  // While a mark is held, `move` gets the place in the drawing to which its middle is dragged.
  const drag = (mark, canvas, move) => {
    let offset;
    hold(mark);
    mark.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      event.preventDefault();
      const { left, top, width, height } = mark.getBoundingClientRect();
      offset = [left + width / 2 - event.clientX, top + height / 2 - event.clientY];
      mark.setPointerCapture(event.pointerId);
      mark.focus({ preventScroll: true });
    });
    mark.addEventListener("pointermove", (event) => {
      if (!mark.hasPointerCapture(event.pointerId)) return;
      const box = canvas.getBoundingClientRect();
      move(event.clientX + offset[0] - box.left, event.clientY + offset[1] - box.top);
    });
  };

  const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowDown: [0, -1], ArrowUp: [0, 1] };
  const LARGE = 10;

  // Arrow keys, as steps to the right and up; with Shift they are ten times as large.
  const arrows = (node, move) => node.addEventListener("keydown", (event) => {
    const step = STEPS[event.key];
    if (!step || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    move(...step.map((part) => part * (event.shiftKey ? LARGE : 1)));
  });

  // ---- Heavy parts -------------------------------------------------------------------------

  // Bytes that lie beside the pages, as a script: a page from a folder may load nothing else.
  const waiting = {};

  const part = (name) => new Promise((done, failed) => {
    waiting[name] = done;
    document.head.append(html("script", { src: new URL(`live/${name}.js`, ROOT), error: failed }));
  });

  const arrive = (name, base64) =>
    waiting[name](Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0)));

  return {
    arrive, arrows, axes, button, choice, drag, figure, format, hold, html, legible, number, part, path, set, show,
    slider, stage, svg, text, words,
  };
})();
