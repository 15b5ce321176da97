/** Onto paper. */

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
