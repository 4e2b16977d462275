// What is wider than the page scrolls inside its own box; whoever has no mouse reaches the box with the Tab key.
function reachWideBoxes() {
  document.querySelectorAll('pre, .wide, .formula').forEach((box) => {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0; else box.removeAttribute('tabindex');
  });
}
window.addEventListener('load', reachWideBoxes);
window.addEventListener('resize', reachWideBoxes);
document.addEventListener('toggle', reachWideBoxes, true); // a folded box has no width until it is opened
