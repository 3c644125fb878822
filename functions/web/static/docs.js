// The page /docs without this script has no buttons that copy, forgets the language, and does not mark
// in its contents what is read; nothing else is missing.
"use strict";

const KEY = "language of samples";

function kept(language) {
  try {
    if (language) localStorage.setItem(KEY, language);
    return localStorage.getItem(KEY);
  } catch {
    return null; // a browser that keeps nothing
  }
}

function showAgain(picker) {
  const known = picker.querySelector(`input[value="${CSS.escape(kept() ?? "")}"]`);
  if (known) known.checked = true;
  picker.addEventListener("change", (event) => kept(event.target.value));
}

async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const field = document.createElement("textarea"); // over plain HTTP there is no clipboard to ask for
  field.value = text;
  document.body.append(field);
  field.select();
  const copied = document.execCommand("copy");
  field.remove();
  if (!copied) throw new Error("not copied");
}

function addButton(sample) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  const word = document.createTextNode("Copy");
  const what = document.createElement("span");
  what.className = "hidden";
  what.textContent = ` the sample of ${sample.dataset.of}`;
  button.append(word, what);
  const told = document.createElement("span");
  told.className = "hidden";
  told.setAttribute("role", "status");
  button.addEventListener("click", async () => {
    const chosen = document.querySelector(".languages input:checked").value;
    const shown = sample.querySelector(`.in-${chosen}`);
    try {
      await copy(shown.textContent);
      word.data = "Copied";
    } catch {
      word.data = "Select it, then copy";
    }
    told.textContent = word.data;
    setTimeout(() => { word.data = "Copy"; told.textContent = ""; }, 2000);
  });
  sample.querySelector("figcaption").append(button, told);
}

function mark(link, isRead) {
  if (isRead) link.setAttribute("aria-current", "true");
  else link.removeAttribute("aria-current");
}

function followReader(contents) {
  const links = new Map([...contents.querySelectorAll("a")].map((link) => [link.hash.slice(1), link]));
  const headings = [...document.querySelectorAll("h2[id], h3[id]")].filter((heading) => links.has(heading.id));
  const follow = () => {
    const line = innerHeight / 4;
    const above = headings.filter((heading) => heading.getBoundingClientRect().top < line);
    const read = above.pop() ?? headings[0];
    links.forEach((link, id) => mark(link, id === read.id));
  };
  addEventListener("scroll", follow, { passive: true });
  follow();
}

document.querySelectorAll("figure.sample").forEach(addButton);
document.querySelectorAll(".languages").forEach(showAgain);
document.querySelectorAll("nav.side").forEach(followReader);
