// The cards beside an answer: where each passage comes from, and its text.

import { button, make } from "./elements.js";
import { locale, text } from "./texts.js";

export function card({ number, title, source, updated, passage }) {
  const origin = make("div", "origin", make("code", "", source));
  if (updated) origin.append(make("span", "", text("updated", date(updated))));
  const element = make("li", "card", make("span", "number", String(number)),
    make("div", "", make("h3", "", title || source), origin), make("div", "passage", ...blocks(passage)));
  element.tabIndex = -1;
  return element;
}

/** A passage as it was indexed, only that Markdown's headings and tables look like such. */
function blocks(passage) {
  const parts = passage.trim().split(/((?:^ *\|.*(?:\n|$))+)/m).filter((part) => part.trim());
  return parts.flatMap((part) => (part.trimStart().startsWith("|") ? [table(part)] : lines(part)));
}

function lines(part) {
  const unwrapped = part.replace(/(.{50,}?) *\n(?!\s|#|[-*•]|\d+[.)]\s)/g, "$1 "); // text files break long lines
  return unwrapped.trim().split(/^#{1,6} +(.+)$/m).map((piece, i) => make(i % 2 ? "h4" : "p", "", piece.trim()))
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

const WORD = /([\p{L}\p{N}]+(?:[.,:]\p{N}+)*)/u; // 74,900 and 9:00 are one word each

/** Mark in a card's passage where it speaks of what a sentence of the answer says; marks made before go. */
export function markWords(element, sentence) {
  const passage = element.querySelector(".passage");
  for (const mark of passage.querySelectorAll("mark")) mark.replaceWith(...mark.childNodes);
  passage.normalize();
  const words = new Set(sentence.toLowerCase().split(WORD).filter((_, i) => i % 2));
  const walker = document.createTreeWalker(passage, NodeFilter.SHOW_TEXT);
  const nodes = [];
  while (walker.nextNode()) nodes.push(walker.currentNode);
  for (const node of nodes) node.replaceWith(...marked(node.textContent, words));
}

/** A text with its runs of known words marked: three words or more, or one that has a digit or is long. */
function marked(line, words) {
  const pieces = line.split(WORD); // words at odd places, what separates them at even ones
  const result = [pieces[0]];
  for (let i = 1; i < pieces.length;) {
    let end = i;
    while (end < pieces.length && words.has(pieces[end].toLowerCase())) end += 2;
    const run = pieces.slice(i, Math.max(end - 1, i + 1));
    const telling = end - i >= 6 || (end > i && run.some((word) => /\p{N}|\p{L}{6}/u.test(word)));
    result.push(telling ? make("mark", "", run.join("")) : run.join(""), pieces[i + run.length] ?? "");
    i += run.length + 1;
  }
  return result;
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
    : new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeZone: "UTC" }).format(parsed);
}
