// What in the figures of a page has too little contrast: a line for each text or mark.
// Text needs 4.5 against what is painted under it (WCAG 2.2, criterion 1.4.3), a mark 3 against the
// page (1.4.11). Exempt are grid lines, pictures, and the weak cells of a scale: "gradients that
// represent a measurement" are essential to what a heat map says, and the data stand beside it.
() => {
  const TEXT = 4.5, MARK = 3, SAME = 1.05, SCALE = 5;

  const parsed = (color) => {
    const numbers = /^rgba?\(/.test(color) && color.match(/[\d.]+/g).map(Number);
    return numbers && { rgb: numbers.slice(0, 3), alpha: numbers[3] ?? 1 };
  };
  const over = (paint, ground) =>
    paint.rgb.map((top, i) => paint.alpha * top + (1 - paint.alpha) * ground[i]);
  const luminance = (rgb) => {
    const [r, g, b] = rgb.map((c) =>
      c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (one, other) => {
    const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };

  const painted = (element, which) => {
    const style = getComputedStyle(element);
    const paint = parsed(style[which]);
    if (!paint || (which === "stroke" && parseFloat(style.strokeWidth) === 0)) return null;
    const alpha = paint.alpha * style.opacity * style[`${which}Opacity`];
    return alpha > 0 ? { rgb: paint.rgb, alpha } : null;
  };
  const page = parsed(getComputedStyle(document.body).backgroundColor).rgb;
  const probe = document.body.appendChild(document.createElement("i"));
  probe.style.color = "var(--hw-grid)";
  const grid = String(parsed(getComputedStyle(probe).color).rgb);
  probe.remove();

  // A letter is a path that its definition scales down; a marker is not.
  const isLetter = (element) => {
    const shape = element.tagName === "use"
      ? document.querySelector(element.getAttribute("href")) : element;
    return Boolean(shape?.getAttribute("transform")?.startsWith("scale"));
  };

  const groundAt = (svg, text, x, y) => {
    const under = document.elementsFromPoint(x, y)
      .filter((one) => svg.contains(one) && !text.contains(one) && one.isPointInFill)
      .filter((one) => one.isPointInFill(
        new DOMPoint(x, y).matrixTransform(one.getScreenCTM().inverse())));
    return under.reverse().map((one) => painted(one, "fill")).filter(Boolean)
      .reduce((ground, paint) => over(paint, ground), page);
  };

  const weakTexts = (svg) => {
    svg.scrollIntoView({ block: "center" });
    const letters = [...svg.querySelectorAll("use")].filter(isLetter);
    return [...new Set(letters.map((letter) => letter.parentElement))].flatMap((text) => {
      const { left, top, width, height } = text.getBoundingClientRect();
      const ratios = [[0.5, 0.5], [0.1, 0.2], [0.9, 0.8], [0.1, 0.8], [0.9, 0.2]].map(([u, v]) => {
        const ground = groundAt(svg, text, left + u * width, top + v * height);
        return contrast(over(painted(text, "fill"), ground), ground);
      });
      const least = Math.min(...ratios);
      return least < TEXT ? [`text: ${least.toFixed(2)}: ${getComputedStyle(text).fill}`] : [];
    });
  };

  const isGridLine = (element, paint) => {
    const { width, height } = element.getBBox?.() ?? {};
    return String(paint.rgb) === grid && (width === 0 || height === 0);
  };
  const strengths = (svg, rgb) => new Set([...svg.querySelectorAll("path, rect")]
    .map((one) => painted(one, "fill"))
    .filter((paint) => paint && String(paint.rgb) === String(rgb))
    .map((paint) => paint.alpha.toFixed(3))).size;

  const ratio = (paint) => (paint ? contrast(over(paint, page), page) : 1);
  const weakMarks = (svg) => [...svg.querySelectorAll("path, rect, use, circle, polygon")]
    .filter((one) => !one.closest("clipPath") && !isLetter(one))
    .flatMap((one) => {
      const fill = one.closest("defs, g:has(> use)") && one.tagName !== "use"
        ? null : painted(one, "fill");
      const stroke = one.tagName === "use" ? null : painted(one, "stroke");
      const found = [];
      if (stroke && ratio(stroke) > SAME && ratio(stroke) < MARK && !isGridLine(one, stroke))
        found.push(["stroke", stroke]);
      if (fill && ratio(fill) > SAME && ratio(fill) < MARK && ratio(stroke) < MARK &&
          strengths(svg, fill.rgb) < SCALE)
        found.push(["fill", fill]);
      return found.map(([what, paint]) =>
        `${what}: ${ratio(paint).toFixed(2)}: rgb(${paint.rgb}) at ${paint.alpha.toFixed(2)}`);
    });

  return [...document.querySelectorAll(".hw-figure svg")].flatMap((svg) => {
    const name = svg.closest("figure")?.id ?? "a figure";
    return [...new Set([...weakTexts(svg), ...weakMarks(svg)])].map((one) => `${name}: ${one}`);
  });
}
