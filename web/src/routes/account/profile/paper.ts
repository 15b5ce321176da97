/** Onto paper, and into a file. */

/** Prints lines of text, and nothing of the page. */
export function printLines(title: string, lines: readonly string[]): void {
  const frame = document.createElement("iframe");
  frame.hidden = true;
  document.body.append(frame);
  const page = frame.contentDocument;
  const view = frame.contentWindow;
  if (!page || !view) return frame.remove();
  page.title = title;
  const heading = page.createElement("h1");
  heading.textContent = title;
  const text = page.createElement("pre");
  text.textContent = lines.join("\n");
  page.body.append(heading, text);
  view.addEventListener("afterprint", () => frame.remove());
  view.print();
}

/** Gives a text to be kept as a file. */
export function downloadText(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
