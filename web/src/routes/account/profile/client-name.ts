/** What signed in, in words: a browser calls itself by a line that nobody reads. */

const BROWSERS: [RegExp, string][] = [
  [/\bEdg(e|A|iOS)?\//, "Edge"],
  [/\b(OPR|Opera)\//, "Opera"],
  [/\bSamsungBrowser\//, "Samsung Internet"],
  [/\b(Firefox|FxiOS)\//, "Firefox"],
  [/\b(HeadlessChrome|Chrome|CriOS)\//, "Chrome"],
  [/\bSafari\//, "Safari"],
];

const SYSTEMS: [RegExp, string][] = [
  [/\biPhone\b/, "iPhone"],
  [/\biPad\b/, "iPad"],
  [/\bAndroid\b/, "Android"],
  [/\bCrOS\b/, "ChromeOS"],
  [/\bWindows\b/, "Windows"],
  [/\bMac OS X\b|\bMacintosh\b/, "macOS"],
  [/\bLinux\b/, "Linux"],
];

export interface ClientName {
  /** `Firefox on Windows`, or the program's own name. */
  label: string;
  isPhone: boolean;
}

export function clientName(client: string): ClientName {
  const name = find(BROWSERS, client);
  const system = find(SYSTEMS, client);
  const isPhone = system === "iPhone" || (system === "Android" && /\bMobile\b/.test(client));
  if (name === undefined) return { label: program(client), isPhone };
  return { label: system === undefined ? name : `${name} on ${system}`, isPhone };
}

/** `curl/8.1.2` is curl. */
function program(client: string): string {
  const name = client.trim().split(/[/\s(]/)[0] ?? "";
  return name === "" ? "A program without a name" : name.slice(0, 40);
}

function find(list: [RegExp, string][], text: string): string | undefined {
  return list.find(([pattern]) => pattern.test(text))?.[1];
}
