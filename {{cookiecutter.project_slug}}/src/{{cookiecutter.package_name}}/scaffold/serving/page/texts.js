// What the page says, in its languages. {0} and {1} are filled in.

const TEXTS = {
  en: {
    askingAs: "Asking as", key: "API key", keyNote: "Kept in this tab only, until it is closed.",
    heading: "What would you like to know?",
    lead: "Answers come from the documents that you may see, and each one shows its sources.",
    question: "Your question", placeholder: "Ask a question about your documents", ask: "Ask",
    hintAsk: "asks", hintLine: "new line", examples: "Questions to start with",
    footer: "Answers are written by an AI model and can be wrong. Check the sources before you act on them.",
    waiting: "Searching the documents and writing an answer …",
    refused: "No answer in your documents", failed: "That did not work",
    unreachable: "The service cannot be reached. Check the connection, then ask again.",
    garbled: "The service sent something that is not an answer (status {0}).",
    tooLong: "The question is too long; at most {0} characters are answered.",
    needKey: "Enter your API key first.",
    confidence: "Confidence", model: "Model", prompt: "Prompt", tokens: "Tokens", trace: "Trace",
    confidenceNote: "How much of the answer its passages support",
    tokenCount: "{0} read, {1} written", copy: "Copy", copied: "Copied",
    sources: "Passages this answer rests on", updated: "Updated {0}", more: "Show all", less: "Show less",
    cite: "Passage {0}: {1}", done: "Answer with {0} passages.", noSources: "Answer without passages.",
    opinion: "Was this right?", up: "Right", down: "Not right", right: "What would be right? (optional)",
    sendCorrection: "Send", thanks: "Thank you, it is noted.", sorry: "Thank you, it is noted as not right.",
  },
  de: {
    askingAs: "Fragen als", key: "API-Schlüssel", keyNote: "Bleibt nur in diesem Tab, bis er geschlossen wird.",
    heading: "Was möchten Sie wissen?",
    lead: "Antworten stammen aus den Dokumenten, die Sie sehen dürfen, und jede zeigt ihre Quellen.",
    question: "Ihre Frage", placeholder: "Stellen Sie eine Frage zu Ihren Dokumenten", ask: "Fragen",
    hintAsk: "fragt", hintLine: "neue Zeile", examples: "Fragen für den Anfang",
    footer: "Antworten schreibt ein KI-Modell; sie können falsch sein. Prüfen Sie die Quellen, bevor Sie danach handeln.",
    waiting: "Die Dokumente werden durchsucht, die Antwort wird geschrieben …",
    refused: "Keine Antwort in Ihren Dokumenten", failed: "Das hat nicht geklappt",
    unreachable: "Der Dienst ist nicht erreichbar. Prüfen Sie die Verbindung und fragen Sie noch einmal.",
    garbled: "Der Dienst hat etwas geschickt, das keine Antwort ist (Status {0}).",
    tooLong: "Die Frage ist zu lang; höchstens {0} Zeichen werden beantwortet.",
    needKey: "Geben Sie zuerst Ihren API-Schlüssel ein.",
    confidence: "Verlässlichkeit", model: "Modell", prompt: "Prompt", tokens: "Tokens", trace: "Trace",
    confidenceNote: "Wie viel der Antwort ihre Textstellen stützen",
    tokenCount: "{0} gelesen, {1} geschrieben", copy: "Kopieren", copied: "Kopiert",
    sources: "Textstellen, auf denen diese Antwort beruht", updated: "Stand {0}", more: "Ganz zeigen", less: "Weniger zeigen",
    cite: "Textstelle {0}: {1}", done: "Antwort mit {0} Textstellen.", noSources: "Antwort ohne Textstellen.",
    opinion: "War das richtig?", up: "Richtig", down: "Nicht richtig", right: "Was wäre richtig? (freiwillig)",
    sendCorrection: "Senden", thanks: "Danke, das ist vermerkt.", sorry: "Danke, als nicht richtig vermerkt.",
  },
};

export const language = navigator.language.toLowerCase().startsWith("de") ? "de" : "en";
/** How numbers and dates are written: as the reader does, where that goes with the language of the page. */
export const locale = navigator.language.toLowerCase().startsWith(language) ? navigator.language : language;

export function text(name, ...values) {
  return values.reduce((line, value, i) => line.replace(`{${i}}`, () => value), TEXTS[language][name]);
}
