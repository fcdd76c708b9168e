// The page: asks, and shows the answer with its passages. Everything that comes from outside is set as text, never as
// markup; the content security policy would refuse it otherwise.

import { button, make } from "./elements.js";
import { opinion } from "./opinion.js";
import { card, fold, markWords } from "./passages.js";
import { language, locale, text } from "./texts.js";

const service = JSON.parse(document.body.dataset.service);
const find = (id) => document.getElementById(id);

// Setting up

function translate() {
  document.documentElement.lang = language;
  for (const element of document.querySelectorAll("[data-text]")) element.textContent = text(element.dataset.text);
  find("question").placeholder = text("placeholder");
  find("examples").setAttribute("aria-label", text("examples"));
}

function offerExamples() {
  find("examples").append(...service.examples.map((question) => button("", question, () => {
    find("question").value = question;
    grow();
    ask();
  })));
  find("examples").hidden = service.examples.length === 0;
}

async function signIn() {
  if (service.keyed) {
    const key = find("key");
    key.value = sessionStorage.getItem("key") ?? "";
    key.addEventListener("input", () => sessionStorage.setItem("key", key.value.trim()));
    key.addEventListener("change", clear); // what one person was shown is not the next one's
    find("keyed").hidden = false;
    return;
  }
  const { callers, problem } = await send("api/callers").then((list) => ({ callers: list }), (error) => ({ problem: error }));
  if (problem) return showError(problem);
  const select = find("caller");
  for (const { id, name, groups } of callers) {
    select.append(new Option(groups.length ? `${name} (${groups.join(", ")})` : name, id));
  }
  const last = sessionStorage.getItem("caller");
  if (callers.some(({ id }) => id === last)) select.value = last;
  select.addEventListener("change", () => {
    sessionStorage.setItem("caller", select.value);
    clear();
  });
  find("local").hidden = false;
}

// Asking

/** The JSON at an address. Throws an error whose message is a sentence to show; it may carry status and trace. */
async function send(address, options = {}) {
  let response;
  try {
    response = await fetch(address, { ...options, cache: "no-store", credentials: "omit" });
  } catch {
    throw new Error(text("unreachable"));
  }
  const body = await response.json().catch(() => null);
  if (response.ok && body !== null) return body;
  const error = new Error(body?.error?.message ?? text("garbled", response.status));
  throw Object.assign(error, { status: response.status, trace: body?.error?.trace_id });
}

/** What comes of sending ``body`` as the person who asks. */
function post(address, body) {
  const headers = { "Content-Type": "application/json" };
  const who = service.keyed ? {} : { caller: find("caller").value };
  if (service.keyed) headers.Authorization = `Bearer ${find("key").value.trim()}`;
  return send(address, { method: "POST", headers, body: JSON.stringify({ ...body, ...who }) });
}

let busy = false;
let round = 0; // an answer that arrives after the page was cleared is not shown

async function ask() {
  const question = find("question").value.trim();
  if (busy || !question) return;
  if ([...question].length > service.maxCharacters) return showError(new Error(text("tooLong", service.maxCharacters)));
  if (service.keyed && !find("key").value.trim()) {
    find("key").focus();
    return showError(new Error(text("needKey")));
  }
  const mine = ++round;
  setBusy(true);
  showWaiting(question);
  try {
    const answer = await post("api/ask", { question });
    if (mine === round) showAnswer(question, answer);
  } catch (error) {
    if (mine === round) showError(error, question);
    if (error.status === 401) find("key").focus();
  } finally {
    setBusy(false);
  }
}

function setBusy(value) {
  busy = value;
  find("ask").classList.toggle("busy", value);
  find("result").setAttribute("aria-busy", String(value));
  grow();
}

// Showing

function show(spoken, ...children) {
  document.body.classList.add("asked");
  find("result").replaceChildren(...children);
  find("result").hidden = false;
  find("status").textContent = spoken;
}

function clear() {
  round += 1;
  document.body.classList.remove("asked");
  find("result").replaceChildren();
  find("result").hidden = true;
  find("status").textContent = "";
}

function showWaiting(question) {
  const lines = make("div", "waiting", make("i"), make("i"), make("i"), make("p", "", text("waiting")));
  show(text("waiting"), make("h2", "asked-question", question), lines);
}

function showError(error, question) {
  const parts = [make("div", "notice error", make("strong", "", text("failed")), error.message)];
  if (question) parts.unshift(make("h2", "asked-question", question));
  if (error.trace) parts.push(facts([[text("trace"), ...traced(error.trace)]]));
  show(`${text("failed")}: ${error.message}`, ...parts);
}

function showAnswer(question, answer) {
  const cards = new Map(answer.citations.map((citation) => [citation.number, card(citation)]));
  const left = make("article", "", make("h2", "asked-question", question));
  left.append(answer.refused
    ? make("div", "notice refusal", make("strong", "", text("refused")), answer.answer)
    : body(answer, cards));
  const said = { trace_id: answer.trace_id, question, answer: answer.answer };
  left.append(opinion((opinion) => post("api/feedback", { ...said, ...opinion })), facts(details(answer)));
  const columns = make("div", "columns", left);
  if (cards.size) {
    columns.classList.add("sourced");
    columns.append(make("aside", "sources", make("h2", "", text("sources")), make("ol", "", ...cards.values())));
  }
  const spoken = cards.size ? text("done", cards.size) : text("noSources");
  show(answer.refused ? `${text("refused")}: ${answer.answer}` : `${spoken} ${answer.answer}`, columns);
  for (const element of cards.values()) fold(element);
}

/** The answer's paragraphs; each [n] that a passage stands behind becomes a button that shows the passage. */
function body(answer, cards) {
  const titles = new Map(answer.citations.map(({ number, title }) => [number, title]));
  const paragraphs = answer.answer.trim().split(/\n{2,}/).map((paragraph) => {
    const element = make("p");
    let sentence = "";
    for (const piece of paragraph.split(/(\[\d+(?:\s*,\s*\d+)*\]|\*\*[^*\n]+\*\*)/)) {
      const numbers = /^\[\d/.test(piece) ? piece.match(/\d+/g).map(Number) : [];
      if (numbers.length && numbers.every((number) => cards.has(number))) {
        for (const number of numbers) {
          const words = sentence;
          const chip = button("cite", String(number), () => point(chip, cards.get(number), words));
          chip.setAttribute("aria-label", text("cite", number, titles.get(number)));
          element.append(chip);
        }
      } else {
        element.append(piece.startsWith("**") ? make("strong", "", piece.slice(2, -2)) : piece);
        // Between two citations of one sentence there is no new text: [1][2] rest on the same words.
        if (/[\p{L}\p{N}]/u.test(piece)) sentence = piece;
      }
    }
    return element;
  });
  return make("div", "text", ...paragraphs);
}

/** Show the passage that a citation names, and in it what the cited sentence says. */
function point(chip, element, sentence) {
  for (const other of document.querySelectorAll(".active")) other.classList.remove("active");
  chip.classList.add("active");
  element.classList.add("active");
  element.querySelector("button[aria-expanded=false]")?.click();
  markWords(element, sentence);
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  element.scrollIntoView({ block: "nearest", behavior: calm ? "auto" : "smooth" });
  element.focus({ preventScroll: true });
}

function details(answer) {
  const rows = [];
  if (!answer.refused) {
    const bar = make("i");
    bar.style.width = `${Math.round(answer.confidence * 100)}%`;
    const gauge = make("span", answer.confidence < 0.5 ? "gauge low" : "gauge", bar);
    gauge.setAttribute("aria-hidden", "true");
    const percent = new Intl.NumberFormat(locale, { style: "percent" }).format(answer.confidence);
    const shown = make("span", "", percent);
    shown.title = text("confidenceNote");
    rows.push([text("confidence"), gauge, shown]);
  }
  rows.push([text("model"), make("code", "", answer.model)], [text("prompt"), make("code", "", answer.prompt)]);
  const { input_tokens: input, output_tokens: output } = answer.usage;
  if (input !== null && output !== null) rows.push([text("tokens"), text("tokenCount", input, output)]);
  rows.push([text("trace"), ...traced(answer.trace_id)]);
  return rows;
}

function facts(rows) {
  return make("dl", "facts", ...rows.flatMap(([name, ...values]) => [make("dt", "", name), make("dd", "", ...values)]));
}

function traced(id) {
  const copy = button("quiet", text("copy"), async () => {
    await navigator.clipboard.writeText(id);
    copy.textContent = text("copied");
    setTimeout(() => { copy.textContent = text("copy"); }, 2000);
  });
  // Browsers offer the clipboard to secure pages only; elsewhere the id can be selected by hand.
  return navigator.clipboard ? [make("code", "", id), copy] : [make("code", "", id)];
}

// The box

function grow() {
  const box = find("question");
  box.style.height = "auto";
  box.style.height = `${box.scrollHeight}px`;
  const length = [...box.value.trim()].length;
  const over = length > service.maxCharacters;
  find("count").hidden = length < service.maxCharacters * 0.8;
  find("count").textContent = `${length} / ${service.maxCharacters}`;
  find("count").classList.toggle("over", over);
  find("ask").setAttribute("aria-disabled", String(!busy && (length === 0 || over)));
}

find("question").addEventListener("input", grow);
find("question").addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  ask();
});
find("form").addEventListener("submit", (event) => {
  event.preventDefault();
  ask();
});

translate();
offerExamples();
grow();
signIn();
