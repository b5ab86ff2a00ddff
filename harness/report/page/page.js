"use strict";
// Tabs, sorting, filters, the dialog behind a number, dark mode. Everything from the data is set as text, never as HTML.
const DATA = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);
const percent = (value, digits = 1) => (value / 100).toFixed(digits).replace(/^-(0\.0+)$/, "$1");

function element(tag, text, name) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (name) made.className = name;
  return made;
}

// Tabs: arrow keys move, as in the ARIA practices.
const tabs = [...document.querySelectorAll('[role="tab"]')];
function selectTab(tab) {
  for (const one of tabs) {
    const chosen = one === tab;
    one.setAttribute("aria-selected", String(chosen));
    one.tabIndex = chosen ? 0 : -1;
    byId(one.getAttribute("aria-controls")).hidden = !chosen;
  }
  drawLanguages(byId(tab.getAttribute("aria-controls")).querySelector(".languages"));
}
tabs.forEach((tab, at) => {
  tab.addEventListener("click", () => selectTab(tab));
  tab.addEventListener("keydown", (event) => {
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key];
    if (to === undefined) return;
    const next = tabs[(to + tabs.length) % tabs.length];
    event.preventDefault();
    selectTab(next);
    next.focus();
  });
});

// Sorting: numbers from large to small first, names from a to z; what is missing stands last either way.
function keyOf(row, at) {
  const cell = row.cells[at];
  return cell.dataset.v === undefined ? cell.textContent.trim().toLowerCase() : cell.dataset.v === "" ? null : Number(cell.dataset.v);
}
const collator = new Intl.Collator("en", { numeric: true });
function sortBy(header) {
  const row = header.parentElement;
  const at = [...row.cells].indexOf(header);
  const body = row.closest("table").tBodies[0];
  const rows = [...body.rows].map((one) => [keyOf(one, at), one]);
  const numeric = rows.some(([key]) => typeof key === "number");
  const before = header.getAttribute("aria-sort");
  const ascending = before === "none" ? !numeric : before === "descending";
  const sign = ascending ? 1 : -1;
  rows.sort(([a], [b]) => {
    if (a === null || b === null) return (a === null) - (b === null);
    return sign * (numeric ? a - b : collator.compare(a, b));
  });
  for (const one of row.cells) if (one.hasAttribute("aria-sort")) one.setAttribute("aria-sort", "none");
  header.setAttribute("aria-sort", ascending ? "ascending" : "descending");
  body.append(...rows.map(([, one]) => one));
}
document.addEventListener("click", (event) => {
  const sort = event.target.closest("button.sort");
  if (sort) sortBy(sort.closest("th"));
  const number = event.target.closest("button.n");
  if (number) showNumber(Number(number.dataset.e), number.dataset.l);
});

// Filters over all tables.
const filters = { name: byId("f-name"), kind: byId("f-kind"), protocol: byId("f-protocol"), published: byId("f-published") };
function kept(name, kind, protocol) {
  return name.toLowerCase().includes(filters.name.value.toLowerCase()) &&
    (!filters.kind.value || kind === filters.kind.value) && (!filters.protocol.value || protocol === filters.protocol.value);
}
function applyFilters() {
  const shown = new Set();
  for (const block of document.querySelectorAll(".block[data-protocol]")) {
    let any = false;
    for (const row of block.querySelectorAll("tbody tr")) {
      const published = row.classList.contains("published");
      row.hidden = published
        ? !filters.published.checked || !kept(row.dataset.name, filters.kind.value, block.dataset.protocol)
        : !kept(row.dataset.name, row.dataset.kind, block.dataset.protocol);
      if (!row.hidden && !published) { any = true; shown.add(row.dataset.name); }
    }
    block.hidden = !any;
  }
  byId("count").textContent = `${shown.size} shown`;
  const panel = document.querySelector('[role="tabpanel"]:not([hidden])');
  if (panel) drawLanguages(panel.querySelector(".languages"));
}
byId("filters").addEventListener("input", applyFilters);
byId("f-intervals").addEventListener("change", (event) => document.body.classList.toggle("intervals", event.target.checked));

// What stands behind a number; without a language, behind a task's average.
function signatureOf(entry, at, language) {
  const place = at < 0 ? DATA.places[entry.pattern].findIndex((one) => DATA.patterns[one]) : at;
  const values = {
    "{language}": at < 0 ? "avg" : language,
    "{data}": at < 0 ? "(per language)" : DATA.data[entry.data][place],
    "{seed}": DATA.seeds[entry.seeds].join(","),
  };
  return DATA.patterns[DATA.places[entry.pattern][place]].replace(/\{(language|data|seed)\}/g, (found) => values[found]);
}
function commandsOf(entry, at) {
  const asked = DATA.asked[entry.asked];
  const places = new Set(at < 0 ? asked.filter((one) => one !== null) : [asked[at]]);
  return [...places].map((one) => DATA.commands[one]).join("\n");
}
function showNumber(index, language) {
  const entry = DATA.entries[index];
  const codes = DATA.tasks[entry.task].languages;
  const at = language === undefined ? -1 : codes.indexOf(language);
  const cell = at < 0 ? entry.average || null
    : [entry.value[at], entry.low[at], entry.high[at], DATA.counts[entry.n][at], entry.sd ? entry.sd[at] : null];
  const scored = entry.value.filter((value, place) => value !== null && place < entry.official).length;
  byId("d-title").textContent = `${entry.task}, ${at < 0 ? "average" : DATA.languages[language][0]}`;
  const rows = [["checkpoint", entry.name], ["settings", entry.folder], ["supervision", entry.label], ["kind", entry.kind]];
  if (cell) {
    rows.push([entry.metric, `${percent(cell[0], 2)}% (95% interval ${percent(cell[1], 2)} to ${percent(cell[2], 2)}, n = ${cell[3]})`]);
    if (cell[4] !== null) rows.push(["seeds", `${DATA.seeds[entry.seeds].join(", ")}; sample deviation ${percent(cell[4], 2)} points`]);
  }
  if (at < 0) rows.push(["languages", `${scored} of ${entry.official} scored${entry.ranked ? "" : "; not ranked"}`]);
  if (entry.read !== undefined) rows.push(["has read", DATA.read[entry.read].join(", ")]);
  if (entry.failed) rows.push(["failed", Object.entries(entry.failed).map((one) => one.join(": ")).join("; ")]);
  rows.push(["signature", signatureOf(entry, at, language), true], ["command", commandsOf(entry, at), true]);
  byId("d-list").replaceChildren(...rows.flatMap(([name, value, code]) => {
    const detail = element("dd");
    const text = element(code ? "code" : "bdi", value);
    if (code) text.dir = "ltr";
    detail.append(text);
    return [element("dt", name), detail];
  }));
  byId("detail").showModal();
}
byId("detail").addEventListener("click", (event) => { if (event.target === byId("detail")) byId("detail").close(); });

// Dark mode follows the system until the button is pressed.
const theme = byId("theme");
const dark = () => document.documentElement.dataset.theme
  ? document.documentElement.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
function labelTheme() {
  theme.textContent = dark() ? "Light" : "Dark";
  theme.setAttribute("aria-pressed", String(dark()));
}
theme.addEventListener("click", () => {
  document.documentElement.dataset.theme = dark() ? "light" : "dark";
  labelTheme();
});
labelTheme();
