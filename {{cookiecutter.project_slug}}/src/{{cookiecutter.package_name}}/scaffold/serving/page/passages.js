// The cards beside an answer: where each passage comes from, and its text.

import { button, make } from "./elements.js";
import { language, text } from "./texts.js";

export function card({ number, title, source, updated, passage }) {
  const origin = make("div", "origin", make("code", "", source));
  if (updated) origin.append(make("span", "", text("updated", date(updated))));
  const element = make("li", "card", make("span", "number", String(number)),
    make("div", "", make("h3", "", title || source), origin), make("div", "passage", ...blocks(passage)));
  element.tabIndex = -1;
  return element;
}

/** A passage as it was indexed, only that headings and tables of Markdown look like headings and tables. */
function blocks(passage) {
  const parts = passage.trim().split(/((?:^ *\|.*(?:\n|$))+)/m).filter((part) => part.trim());
  return parts.flatMap((part) => (part.trimStart().startsWith("|") ? [table(part)] : lines(part)));
}

function lines(part) {
  return part.trim().split(/^#{1,6} +(.+)$/m).map((piece, i) => make(i % 2 ? "h4" : "p", "", piece.trim()))
    .filter((element) => element.textContent);
}

function table(part) {
  const rows = part.trim().split("\n").map((row) => row.trim().replace(/^\||\|$/g, "").split("|").map((cell) => cell.trim()));
  const ruled = rows.length > 1 && rows[1].every((cell) => /^:?-+:?$/.test(cell));
  const head = ruled ? rows.splice(0, 2)[0] : null;
  const row = (cells, tag) => make("tr", "", ...cells.map((cell) => make(tag, "", cell)));
  return make("table", "", ...(head ? [make("thead", "", row(head, "th"))] : []),
    make("tbody", "", ...rows.map((cells) => row(cells, "td"))));
}

/** Mark the words of a sentence in a card's passage: seen once its citation is chosen. */
export function markWords(element, sentence) {
  const words = new Set(sentence.toLowerCase().match(/\p{L}{4,}|\p{N}+/gu) ?? []);
  const walker = document.createTreeWalker(element.querySelector(".passage"), NodeFilter.SHOW_TEXT);
  const nodes = [];
  while (walker.nextNode()) nodes.push(walker.currentNode);
  for (const node of nodes.filter(({ parentNode }) => parentNode.tagName !== "MARK")) {
    const pieces = node.textContent.split(/(\p{L}+|\p{N}+)/u);
    node.replaceWith(...pieces.map((piece) => (words.has(piece.toLowerCase()) ? make("mark", "", piece) : piece)));
  }
}

/** Shorten a long passage; measured, so it must be on the page already. */
export function fold(element) {
  const passage = element.querySelector(".passage");
  passage.classList.add("folded");
  if (passage.scrollHeight <= passage.clientHeight + 2) {
    passage.classList.remove("folded");
    return;
  }
  const toggle = button("quiet", text("more"), () => {
    const folded = passage.classList.toggle("folded");
    toggle.textContent = text(folded ? "more" : "less");
    toggle.setAttribute("aria-expanded", String(!folded));
  });
  toggle.setAttribute("aria-expanded", "false");
  element.append(toggle);
}

/** A date as people write it; whatever is not one, as it is. */
function date(value) {
  const parsed = new Date(value);
  return Number.isNaN(parsed.getTime()) ? value
    : new Intl.DateTimeFormat(language, { dateStyle: "medium", timeZone: "UTC" }).format(parsed);
}
