// Fit the figures and tables of each slide into its 1280 x 720 box, report what does not fit or cannot be read from
// the last row, then start reveal.js. All figures are inside the file, so at the load event their sizes are known.
window.addEventListener('load', async function () {
  const READABLE = 14; // pixels: the smallest text of a slide
  const LARGEST = 1.5; // a figure that grows beyond this is blurred
  const SMALLEST = 0.5; // a figure whose text's size is not known is not readable below half its size
  const FILLED = 0.6; // share of a slide's height that a figure and its text fill at least
  const TEXT = [27, 36]; // pixels: the text of a slide at first, and of one that would be half empty
  const RAISED = 0.35; // share of a slide's free room that stands above its text where it has no heading
  const TABLE = [22, 16]; // pixels: a table's text at first and at least; its caption is a little smaller

  const ofAudience = (part) => !part.closest('.notes');
  // Down to the end of the last part and the room below it, where the footer stands.
  const end = (slide) => {
    const top = slide.getBoundingClientRect().top, room = parseFloat(getComputedStyle(slide).paddingBottom);
    const ends = Array.from(slide.children).filter((part) => !part.matches('.notes'))
      .map((part) => part.getBoundingClientRect().bottom - top + room);
    return Math.max(0, ...ends);
  };
  const tall = (slide) => Math.ceil(Math.max(slide.scrollHeight, end(slide)));
  const tooTall = (slide) => tall(slide) > slide.clientHeight;
  const tooWide = (slide) => {
    const wide = Array.from(slide.querySelectorAll('*')).some((part) => part.scrollWidth > part.clientWidth + 1
      && part.clientWidth > 0 && getComputedStyle(part).display !== 'inline' && !part.closest('math, .notes'));
    const edge = slide.getBoundingClientRect().right - 40;
    const far = Array.from(slide.querySelectorAll('math')).filter(ofAudience)
      .some((math) => math.getBoundingClientRect().right > edge);
    return slide.scrollWidth > slide.clientWidth || wide || far;
  };
  const fillWithText = (slide) => { // a short question is read from further away
    const high = FILLED * slide.clientHeight;
    for (let size = TEXT[0] + 1; size <= TEXT[1] && end(slide) < high; size++) {
      slide.style.fontSize = size + 'px';
      if (end(slide) > slide.clientHeight * 0.9 || tooWide(slide)) { slide.style.fontSize = (size - 1) + 'px'; break; }
    }
  };
  const balance = (slide) => { // without a heading to hang from, text would stick to the upper edge
    const free = slide.clientHeight - end(slide);
    if (free > 0) slide.style.paddingTop = Math.round(parseFloat(getComputedStyle(slide).paddingTop) + RAISED * free) + 'px';
  };
  const fitTables = (slide) => {
    const tables = Array.from(slide.querySelectorAll('table')).filter(ofAudience);
    for (let size = TABLE[0]; tables.length && size >= TABLE[1] && (tooTall(slide) || tooWide(slide)); size--) {
      tables.forEach((table) => { table.style.fontSize = size + 'px'; });
    }
  };
  const fitFigures = (slide, figures) => {
    if (figures.length === 1) { // alone on its slide, a figure fills it
      const picture = figures[0];
      const growth = Math.min(LARGEST, (picture.closest('.outputs, .slide').clientWidth - 16) / picture.naturalWidth);
      if (growth > 1) picture.style.height = Math.floor(growth * picture.naturalHeight) + 'px';
    }
    for (let round = 0; round < 12 && figures.length && tooTall(slide); round++) {
      // Figures side by side share a row, so that one round may not be enough.
      const heights = figures.map((picture) => picture.getBoundingClientRect().height);
      const sum = heights.reduce((total, height) => total + height, 0);
      const factor = Math.max(0.1, (sum - (tall(slide) - slide.clientHeight) - 2) / sum);
      figures.forEach((picture, each) => { picture.style.height = Math.floor(heights[each] * factor) + 'px'; });
    }
  };
  const textOf = (part) => Array.from(part.childNodes).some((node) => node.nodeType === 3 && node.data.trim());
  const unreadable = (slide, figures) => {
    const found = [];
    figures.forEach((picture) => {
      const scale = picture.getBoundingClientRect().height / picture.naturalHeight;
      const size = scale * parseFloat(picture.dataset.text);
      if (size < READABLE) found.push('shows the text of a figure at ' + size.toFixed(1) + ' px');
      else if (isNaN(size) && scale < SMALLEST) found.push('squeezes a figure below half its size');
    });
    const small = Array.from(slide.querySelectorAll('*')).filter((part) => !part.closest('math, .notes'))
      .filter(textOf).find((part) => parseFloat(getComputedStyle(part).fontSize) < READABLE);
    if (small) found.push('has text of ' + getComputedStyle(small).fontSize + ': ' + small.textContent.trim().slice(0, 40));
    return found;
  };

  const slides = Array.from(document.querySelectorAll('section.slide'));
  slides.forEach((slide) => slide.classList.toggle('title', slide.querySelector('h1') !== null));
  document.body.classList.add('flat');
  const faults = [];
  let drawn = 0;
  let low = 0; // slides that end above their middle
  slides.forEach((slide, index) => {
    const figures = Array.from(slide.querySelectorAll('img')).filter(ofAudience);
    if (!figures.length) fillWithText(slide);
    fitTables(slide);
    fitFigures(slide, figures);
    if (!figures.length && !slide.querySelector('h1, h2, h3, h4')) balance(slide);
    const heading = slide.querySelector('h1, h2, h3, .running');
    const name = (index + 1) + (heading ? ' (' + heading.textContent.trim() + ')' : '');
    if (tooTall(slide)) faults.push(name + ' is ' + tall(slide) + ' px high');
    if (tooWide(slide)) faults.push(name + ' is too wide');
    if (figures.length && end(slide) < FILLED * slide.clientHeight) faults.push(name + ' is half empty below its figure');
    if (end(slide) < slide.clientHeight / 2) low += 1;
    faults.push(...unreadable(slide, figures).map((fault) => name + ' ' + fault));
    drawn += Array.from(slide.querySelectorAll('math')).filter(ofAudience).map((math) => math.getBoundingClientRect())
      .filter((box) => box.width > 2 && box.height > 2).length;
  });

  // On paper a slide keeps the layout that was measured, and is scaled as a whole.
  const around = (slide, kind) => {
    const box = document.createElement('div');
    box.className = kind;
    slide.replaceWith(box);
    box.innerHTML = '<div class="small"></div><div class="beside"></div>';
    box.firstChild.append(slide);
    return box;
  };
  const sheets = { // what is printed of a deck: a slide a page, two a page with lines to write on, or slides and notes
    print: () => {},
    handout: () => slides.forEach((slide) => around(slide, 'sheet lined')),
    notes: () => slides.forEach((slide) => {
      const notes = slide.querySelectorAll('.notes');
      around(slide, 'sheet noted').lastChild.append(...notes);
    }),
  };
  const view = new URLSearchParams(location.search).get('view');
  if (view in sheets) { // what is printed stays flat, a slide below the other
    document.documentElement.classList.add('print-pdf'); // or reveal.css prints running text without slides
    document.body.classList.toggle('paper', view !== 'print');
    sheets[view]();
  } else {
    document.body.classList.remove('flat');
    await Reveal.initialize({
      width: 1280, height: 720, margin: 0, center: false, hash: true, slideNumber: 'c/t', transition: 'none',
      controlsTutorial: false, plugins: [RevealNotes],
    });
  }
  // For the test that opens the deck in a browser.
  const root = document.documentElement.dataset;
  root.slides = slides.length;
  root.low = low;
  root.drawn = drawn; // formulas that take up room
  root.faults = JSON.stringify(faults);
  root.requests = performance.getEntriesByType('resource').filter((entry) => !entry.name.startsWith('data:')).length;
  root.ready = 'yes';
});
