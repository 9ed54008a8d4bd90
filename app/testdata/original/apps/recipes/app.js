const status = (t) => { document.getElementById('status').textContent = t; };
let templates = [];
let settings = { template: 'Bread', uses: 0 };

async function load() {
  const response = await fetch('data/templates.json');
  if (!response.ok) throw new Error('templates: ' + response.status);
  templates = await response.json();
  const select = document.getElementById('template');
  for (const t of templates) select.add(new Option(t.name, t.name));
  settings = (await MatrixOS.readData('settings')) ?? settings;
  select.value = settings.template;
  const text = await MatrixOS.readData('text');
  document.getElementById('text').value = text === null ? '' : text;
  status('ready, used ' + settings.uses + ' times, opened ' + opened());
}

function opened() {
  const n = Number(sessionStorage.getItem('opened') || 0) + 1;
  sessionStorage.setItem('opened', n);
  return n;
}

document.getElementById('use').onclick = async () => {
  const t = templates.find((x) => x.name === document.getElementById('template').value);
  document.getElementById('text').value = t.text;
  settings = { template: t.name, uses: settings.uses + 1 };
  await MatrixOS.writeData('settings', settings);
  status('used ' + settings.uses);
};
document.getElementById('save').onclick = async () => {
  await MatrixOS.writeData('text', document.getElementById('text').value);
  status('saved');
};
MatrixOS.onDataChange((key, app) => { document.getElementById('heard').textContent += key + '@' + app + ' '; });
load().catch((e) => status('error: ' + e.message));
