// A box that scrolls sideways must be reachable from the keyboard, and only while it scrolls.
(() => {
  "use strict";
  const boxes =
    "div.math, mjx-container, pre, .cell_output .output, .hw-ledger, .hw-figure, " +
    ".pst-scrollable-table-container";

  const scrolls = (box) =>
    box.scrollWidth > box.clientWidth + 1 &&
    ["auto", "scroll"].includes(getComputedStyle(box).overflowX);

  const mark = (box) => {
    if (scrolls(box)) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  };

  const markAll = () => document.querySelectorAll(boxes).forEach(mark);

  window.addEventListener("load", async () => {
    await window.MathJax?.startup?.promise;
    markAll();
    window.addEventListener("resize", markAll);
    document.addEventListener("toggle", markAll, true);
  });
})();
