// What the reader thinks of an answer: good, bad, or what would be right.

import { button, make } from "./elements.js";
import { text } from "./texts.js";

const THUMB = "M7 10v11H3V10zm2 0 4-8a2.2 2.2 0 0 1 2.2 2.2L14.4 9H20a2 2 0 0 1 2 2.4l-1.5 8A2 2 0 0 1 18.5 21H9z";

/** Two thumbs; the lower one asks what would be right. Each choice goes to ``tell``, and a later one goes before it. */
export function opinion(tell) {
  const said = make("p", "said");
  said.setAttribute("role", "status");
  const good = thumb("up", () => choose("up"));
  const bad = thumb("down", () => choose("down"));
  const label = make("label", "", text("right"));
  const box = make("textarea");
  box.rows = 3;
  box.maxLength = 4000;
  label.append(box);
  const form = make("form", "correction", label, make("button", "quiet", text("sendCorrection")));
  form.hidden = true;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const correction = box.value.trim();
    if (correction) choose("corrected", correction);
    else box.focus();
  });

  async function choose(verdict, correction) {
    good.setAttribute("aria-pressed", String(verdict === "up"));
    bad.setAttribute("aria-pressed", String(verdict !== "up"));
    form.hidden = verdict !== "down";
    try {
      await tell(correction ? { verdict, correction } : { verdict });
      said.textContent = text(verdict === "down" ? "sorry" : "thanks");
    } catch (error) {
      said.textContent = error.message;
    }
    if (verdict === "down") box.focus();
  }

  return make("div", "opinion", make("span", "", text("opinion")), good, bad, said, form);
}

function thumb(direction, onClick) {
  const space = "http://www.w3.org/2000/svg";
  const image = document.createElementNS(space, "svg");
  image.setAttribute("viewBox", "0 0 24 24");
  image.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", THUMB);
  image.append(path);
  const element = button(`thumb ${direction}`, "", onClick);
  element.append(image);
  element.setAttribute("aria-label", text(direction));
  element.title = text(direction);
  element.setAttribute("aria-pressed", "false");
  return element;
}
