/** Every page of the app, each with who looks at it. */
import type { Scene } from "./scene";

export interface Place {
  /** Also the name of its pictures. */
  name: string;
  path: string;
  /** Who looks: the local operator of `dev`, or somebody who is signed in. */
  as: "operator" | "person";
}

const ADMIN = ["overview", "providers", "dead-letters", "quarantine", "webhooks", "keys", "users", "audit", "consents", "settings"];

const operator = (name: string, path = `/${name}`): Place => ({ name, path, as: "operator" });
const person = (name: string, path = `/${name}`): Place => ({ name, path, as: "person" });

export function places(scene: Scene): Place[] {
  return [
    operator("inbox"),
    operator("conversation", `/inbox/${scene.text}`),
    operator("mail", `/inbox/${scene.mail}`),
    operator("scheduled", `/inbox/${scene.scheduled}`),
    operator("send"),
    operator("phones"),
    person("people"),
    person("profile"),
    operator("sign-in"),
    operator("sign-up"),
    operator("recover"),
    operator("join", "/join#a-token-that-is-none"),
    operator("confirm-email", "/confirm-email#a-token-that-is-none"),
    ...ADMIN.map((name) => operator(`admin-${name}`, `/admin/${name}`)),
    operator("missing", "/there/is/no/such/page"),
  ];
}
