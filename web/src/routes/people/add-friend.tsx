/** Asks somebody to be friends, by their username. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { keys } from "../../api/keys";
import { explain, Problem } from "../../api/problem";
import { Button } from "../../parts/button";
import { Dialog } from "../../parts/dialog";
import { TextField } from "../../parts/field";
import { toast } from "../../parts/toasts";
import { fieldSentence } from "../account/form-problem";
import { askFriend } from "./acts";

export function AddFriend({ isOpen, onClose }: { isOpen: boolean; onClose: () => void }) {
  return (
    <Dialog title="Add a friend" description="Whoever has this username in your workspace is asked. You are friends once they accept." isOpen={isOpen} onClose={onClose} size="small">
      {isOpen && <Form onClose={onClose} />}
    </Dialog>
  );
}

function Form({ onClose }: { onClose: () => void }) {
  const client = useQueryClient();
  const [name, setName] = useState("");
  const userName = name.trim().replace(/^@/, "");
  const ask = useMutation({
    mutationFn: () => askFriend(userName),
    onSuccess: async ({ state }) => {
      toast(state === "friends" ? `You and ${userName} are friends` : `${userName} is asked`);
      onClose();
      await Promise.all([keys.friends, keys.friendRequests].map((queryKey) => client.invalidateQueries({ queryKey })));
    },
  });
  return (
    <form
      noValidate
      className="flex flex-col gap-4 pb-4"
      onSubmit={(event) => {
        event.preventDefault();
        if (userName !== "" && !ask.isPending) ask.mutate();
      }}
    >
      <TextField
        label="Username"
        value={name}
        onChange={(event) => {
          setName(event.target.value);
          ask.reset();
        }}
        error={ask.error ? reason(ask.error) : undefined}
        autoComplete="off"
        autoCapitalize="off"
        spellCheck={false}
        dir="ltr"
        maxLength={64}
      />
      <div className="flex justify-end gap-2">
        <Button onClick={onClose}>Cancel</Button>
        <Button type="submit" tone="accent" isBusy={ask.isPending} disabled={userName === ""}>
          Ask them
        </Button>
      </div>
    </form>
  );
}

function reason(error: unknown): string {
  const message = error instanceof Problem ? error.field("user_name") : undefined;
  return message === undefined ? explain(error) : fieldSentence("username", message);
}
