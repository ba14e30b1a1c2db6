// What the keyboard needs beyond the theme.
(() => {
  "use strict";

  // A box that scrolls sideways must be reachable, and only while it scrolls.
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

  // The theme takes the focus off a button that was used, to hide its tip from a pointer. A click
  // without a count comes from the keyboard.
  document.querySelectorAll(".theme-switch-button, .sidebar-toggle").forEach((button) => {
    button.addEventListener("click", (event) => {
      if (event.detail === 0) button.focus();
    });
  });

  // A sidebar that closes gives the focus back to the button that opened it.
  const returnFocus = (sort) => {
    const sidebar = document.getElementById(`pst-${sort}-sidebar-modal`);
    const button = document.querySelector(`.${sort}-toggle`);
    sidebar?.addEventListener("close", () => button?.focus());
  };
  ["primary", "secondary"].forEach(returnFocus);

  window.addEventListener("load", async () => {
    await window.MathJax?.startup?.promise;
    markAll();
    window.addEventListener("resize", markAll);
    document.addEventListener("toggle", markAll, true);
  });
})();
