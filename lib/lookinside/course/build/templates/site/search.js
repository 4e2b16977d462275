// Looks for words in the sections of all pages. The index is inside this page, since a file may not fetch another one.
const sections = JSON.parse(document.getElementById('index').textContent);
const input = document.getElementById('words');
const MOST = 60;

const squeezed = (text) => text.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '');
for (const section of sections) {
  section.low = section.text.toLowerCase();
  section.name = section.title.toLowerCase();
  section.key = squeezed(section.title);
}

// How well a section fits; 0 where a word is missing. "grad cam" and "Grad-CAM" find GradCAM.
function worth(section, words, whole) {
  let sum = 0;
  if (section.key === whole) sum += 200;
  else if (section.key.includes(whole)) sum += 40;
  for (const word of words) {
    const inName = section.name.includes(word) || section.key.includes(squeezed(word) || word);
    const times = section.low.split(word).length - 1;
    if (!inName && !times) return section.key.includes(whole) ? sum : 0;
    sum += (inName ? 15 : 0) + Math.min(times, 5);
  }
  return sum;
}

function piece(section, words) {
  const at = Math.max(0, Math.min(...words.map((word) => section.low.indexOf(word)).filter((place) => place >= 0)) - 60);
  const from = Number.isFinite(at) ? at : 0;
  return (from ? '… ' : '') + section.text.slice(from, from + 220) + (section.text.length > from + 220 ? ' …' : '');
}

// Text with the words marked, as nodes: nothing from the index is read as HTML.
function marked(text, words) {
  const line = document.createElement('p');
  const pattern = new RegExp(`(${words.map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|')})`, 'gi');
  text.split(pattern).forEach((part, place) => {
    const node = place % 2 ? document.createElement('mark') : document.createTextNode(part);
    if (place % 2) node.textContent = part;
    line.append(node);
  });
  return line;
}

function show() {
  const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
  const list = document.getElementById('found');
  list.replaceChildren();
  if (!words.length) return;
  const whole = squeezed(input.value) || ' ';
  const hits = sections.map((section) => [worth(section, words, whole), section]).filter(([value]) => value > 0);
  hits.sort((a, b) => b[0] - a[0]);
  const more = hits.length > MOST ? `, the first ${MOST} are shown` : '';
  document.getElementById('count').textContent = `${hits.length} ${hits.length === 1 ? 'section' : 'sections'}${more}`;
  for (const [, section] of hits.slice(0, MOST)) {
    const item = document.createElement('li');
    const link = document.createElement('a');
    link.href = section.url;
    link.textContent = section.title;
    const where = document.createElement('small');
    where.textContent = section.where;
    item.append(link, where, marked(piece(section, words), words));
    list.append(item);
  }
}

input.value = new URLSearchParams(location.search).get('q') || '';
input.addEventListener('input', show);
show();
