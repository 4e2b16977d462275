// Make the figures of each slide fit its 1280 x 720 box, report what still overflows, then start reveal.js.
// All figures are inside the file, so at the load event their sizes are known.
window.addEventListener('load', async function () {
  const SMALLEST = 0.5; // a figure below half its size is not readable any more
  const LARGEST = 1.35; // and beyond this it is blurred

  // Down to the end of the last part and the room below it, where the footer stands.
  const tall = (slide) => {
    const top = slide.getBoundingClientRect().top, room = parseFloat(getComputedStyle(slide).paddingBottom);
    const ends = Array.from(slide.children).filter((part) => !part.matches('.notes'))
      .map((part) => part.getBoundingClientRect().bottom - top + room);
    return Math.ceil(Math.max(slide.scrollHeight, ...ends));
  };

  const slides = Array.from(document.querySelectorAll('section.slide'));
  slides.forEach((slide) => slide.classList.toggle('title', slide.querySelector('h1') !== null));
  document.body.classList.add('measuring');
  const faults = [];
  let drawn = 0;
  slides.forEach((slide, index) => {
    const figures = Array.from(slide.querySelectorAll('img')).filter((picture) => !picture.closest('.notes'));
    if (figures.length === 1) { // alone on its slide, a figure may grow
      const picture = figures[0];
      const growth = Math.min(LARGEST, (picture.closest('.outputs, .slide').clientWidth - 16) / picture.naturalWidth);
      if (growth > 1) picture.style.height = Math.floor(growth * picture.naturalHeight) + 'px';
    }
    for (let round = 0; round < 12 && figures.length && tall(slide) > slide.clientHeight; round++) {
      // Figures side by side share a row, so that one round may not be enough.
      const heights = figures.map((picture) => picture.getBoundingClientRect().height);
      const sum = heights.reduce((total, height) => total + height, 0);
      const factor = Math.max(0.1, (sum - (tall(slide) - slide.clientHeight) - 2) / sum);
      figures.forEach((picture, each) => { picture.style.height = Math.floor(heights[each] * factor) + 'px'; });
    }
    const heading = slide.querySelector('h1, h2, h3');
    const name = (index + 1) + (heading ? ' (' + heading.textContent.trim() + ')' : '');
    if (tall(slide) > slide.clientHeight) faults.push(name + ' is ' + tall(slide) + ' px high');
    const wide = Array.from(slide.querySelectorAll('*')).some((part) => part.scrollWidth > part.clientWidth + 1
      && part.clientWidth > 0 && getComputedStyle(part).display !== 'inline' && !part.closest('math, .notes'));
    const boxes = Array.from(slide.querySelectorAll('math')).filter((math) => !math.closest('.notes'))
      .map((math) => math.getBoundingClientRect());
    drawn += boxes.filter((box) => box.width > 2 && box.height > 2).length;
    const far = boxes.some((box) => box.right > slide.getBoundingClientRect().right - 40);
    if (slide.scrollWidth > slide.clientWidth || wide || far) faults.push(name + ' is too wide');
    if (figures.some((picture) => picture.getBoundingClientRect().height < SMALLEST * picture.naturalHeight)) {
      faults.push(name + ' squeezes a figure below half its size');
    }
  });
  document.body.classList.remove('measuring');

  await Reveal.initialize({
    width: 1280, height: 720, margin: 0, center: false, hash: true, slideNumber: 'c/t', transition: 'none',
    controlsTutorial: false, pdfSeparateFragments: false, plugins: [RevealNotes],
  });
  // For the test that opens the deck in a browser.
  const root = document.documentElement.dataset;
  root.slides = slides.length;
  root.drawn = drawn; // formulas that take up room
  root.faults = JSON.stringify(faults);
  root.requests = performance.getEntriesByType('resource').filter((entry) => !entry.name.startsWith('data:')).length;
  root.ready = 'yes';
});
