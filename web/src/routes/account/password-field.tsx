/** A password: hidden unless its person wants to see it. */
import { Eye, EyeOff } from "lucide-react";
import { useState } from "react";
import { IconButton } from "../../parts/button";
import { TextField, type TextFieldProps } from "../../parts/field";

/** `autoComplete` says whether it is a new one. */
export function PasswordField(props: Omit<TextFieldProps, "type" | "end"> & { autoComplete: "current-password" | "new-password" }) {
  const [isShown, setShown] = useState(false);
  return (
    <TextField
      {...props}
      type={isShown ? "text" : "password"}
      dir="ltr"
      autoCapitalize="off"
      spellCheck={false}
      end={<IconButton icon={isShown ? EyeOff : Eye} label={isShown ? "Hide the password" : "Show the password"} onClick={() => setShown(!isShown)} className="sm:size-8" />}
    />
  );
}
