/** A contact: name, addresses, what the team knows of them, and the ways to join and to split. */
import { useQuery } from "@tanstack/react-query";
import { Merge, Plus, Split, Trash2 } from "lucide-react";
import { useState } from "react";
import { contactQuery } from "../../../api/conversations";
import { explain, Problem } from "../../../api/problem";
import { Button, IconButton } from "../../../parts/button";
import { ConfirmDialog } from "../../../parts/dialog";
import { TextArea, TextField } from "../../../parts/field";
import { SkeletonRows } from "../../../parts/skeleton";
import { ErrorState } from "../../../parts/states";
import { toast } from "../../../parts/toasts";
import { formatAddress } from "../names";
import { type Contact, useContactChange } from "./changes";
import { AddressConsent } from "./consent";
import { ContactSearch } from "./contact-search";
import { Part } from "./part";

export interface KnownProps {
  conversationId: number;
  contactId: number;
}

export function Known({ conversationId, contactId }: KnownProps) {
  const query = useQuery(contactQuery(contactId));
  // What is being typed stays though the contact cannot be had anew.
  if (query.data) return <Opened conversationId={conversationId} contact={query.data} />;
  if (query.isPending) return <SkeletonRows count={4} />;
  return <ErrorState error={query.error} title="The contact could not be loaded" onRetry={() => void query.refetch()} isRetrying={query.isFetching} />;
}

function Opened({ conversationId, contact }: { conversationId: number; contact: Contact }) {
  return (
    <>
      <Name conversationId={conversationId} contact={contact} />
      <Part title="Addresses">
        <ul className="flex flex-col gap-3">
          {contact.addresses.map((address) => (
            <li key={address} className="rounded-lg border p-2.5">
              <Address conversationId={conversationId} contact={contact} address={address} />
            </li>
          ))}
        </ul>
        <AddAddress conversationId={conversationId} contact={contact} />
      </Part>
      <Notes conversationId={conversationId} contact={contact} />
      <Ends conversationId={conversationId} contact={contact} />
    </>
  );
}

/** It opens because it was asked for. */
function takeFocus(field: HTMLInputElement | null): void {
  field?.focus();
}

interface OfContact {
  conversationId: number;
  contact: Contact;
}

/** What is typed over what the server has, however often that is read anew, until it is saved or given up. */
function useTyped(kept: string) {
  const [typed, setTyped] = useState<{ text: string; over: string }>();
  return {
    text: typed?.text ?? kept,
    /** What the server has now, where somebody else changed it since the typing began. */
    theirs: typed && typed.over !== kept && typed.text.trim() !== kept ? kept : undefined,
    type: (text: string) => setTyped((now) => (text === kept ? undefined : { text, over: now?.over ?? kept })),
    undo: () => setTyped(undefined),
    /** What was typed while it was saved stays. */
    settle: (saved: string) => setTyped((now) => (now && now.text.trim() !== saved ? { ...now, over: saved } : undefined)),
  };
}

function Name({ conversationId, contact }: OfContact) {
  const { text: name, theirs, type, undo, settle } = useTyped(contact.name);
  const change = useContactChange(conversationId);
  const problem = change.error instanceof Problem ? change.error : undefined;
  const isChanged = name.trim() !== contact.name;
  return (
    <form
      noValidate
      className="flex items-end gap-2"
      onSubmit={(event) => {
        event.preventDefault();
        const rename = name.trim();
        if (isChanged && rename !== "") change.mutate({ contact: contact.id, rename }, { onSuccess: () => settle(rename) });
      }}
    >
      <TextField
        label="Name"
        autoComplete="off"
        className="flex-1"
        error={name.trim() === "" ? "A contact has a name" : (problem?.field("name") ?? (change.isError ? explain(change.error) : undefined))}
        value={name}
        hint={theirs === undefined ? undefined : `Somebody else renamed it to ${theirs}`}
        onChange={(event) => type(event.target.value)}
      />
      {isChanged && (
        <>
          <Button onClick={undo}>Undo</Button>
          <Button type="submit" tone="accent" isBusy={change.isPending}>
            Save
          </Button>
        </>
      )}
    </form>
  );
}

function Address({ conversationId, contact, address }: OfContact & { address: string }) {
  const [isSplitting, setSplitting] = useState(false);
  const change = useContactChange(conversationId);
  return (
    <>
      <div className="mb-1 flex items-center gap-2">
        <bdi className="min-w-0 flex-1 font-medium break-all select-text">{formatAddress(address)}</bdi>
        <IconButton icon={Split} label={`Split ${formatAddress(address)} off`} className="-my-1.5 -me-1.5" onClick={() => setSplitting(true)} />
      </div>
      <AddressConsent address={address} />
      <ConfirmDialog
        title={`Split ${formatAddress(address)} off?`}
        description={`It is no longer an address of ${contact.name}. What was written with it is a conversation of its own again; no message is lost, and joining it again undoes this.`}
        action="Split off"
        tone="accent"
        isOpen={isSplitting}
        isBusy={change.isPending}
        error={change.isError ? explain(change.error) : undefined}
        onConfirm={() =>
          change.mutate(
            { contact: contact.id, split: address },
            {
              onSuccess: () => {
                setSplitting(false);
                toast(`${formatAddress(address)} stands alone again`);
              },
            },
          )
        }
        onClose={() => {
          setSplitting(false);
          change.reset();
        }}
      />
    </>
  );
}

function AddAddress({ conversationId, contact }: OfContact) {
  const [text, setText] = useState<string>();
  const change = useContactChange(conversationId);
  if (text === undefined) {
    return (
      <Button tone="quiet" size="small" icon={Plus} className="mt-2" onClick={() => setText("")}>
        Add an address
      </Button>
    );
  }
  const problem = change.error instanceof Problem ? change.error : undefined;
  const error = problem?.field("address") ?? (change.isError ? explain(change.error) : undefined);
  return (
    <form
      noValidate
      className="mt-3 flex flex-col gap-2"
      onSubmit={(event) => {
        event.preventDefault();
        if (text.trim() === "") return;
        change.mutate(
          { contact: contact.id, join: text.trim() },
          {
            onSuccess: () => {
              setText(undefined);
              toast("What was written with it is in this conversation now");
            },
          },
        );
      }}
    >
      <TextField
        label="Another address"
        hint="A phone number, or an email address. What was written with it joins this conversation."
        ref={takeFocus}
        error={error}
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          change.reset();
        }}
      />
      <div className="flex justify-end gap-2">
        <Button size="small" onClick={() => setText(undefined)}>
          Cancel
        </Button>
        <Button size="small" tone="accent" type="submit" isBusy={change.isPending}>
          Add
        </Button>
      </div>
    </form>
  );
}

function Notes({ conversationId, contact }: OfContact) {
  const { text: notes, theirs, type, undo, settle } = useTyped(contact.notes ?? "");
  const change = useContactChange(conversationId);
  const isChanged = notes.trim() !== (contact.notes ?? "");
  const problem = change.error instanceof Problem ? change.error : undefined;
  return (
    <form
      noValidate
      className="flex flex-col gap-2"
      onSubmit={(event) => {
        event.preventDefault();
        const saved = notes.trim();
        if (isChanged) change.mutate({ contact: contact.id, notes: saved === "" ? null : saved }, { onSuccess: () => settle(saved) });
      }}
    >
      <TextArea
        label="Notes"
        hint="What the team knows of them. Never sent."
        error={problem?.field("notes") ?? (change.isError ? explain(change.error) : undefined)}
        value={notes}
        onChange={(event) => type(event.target.value)}
      />
      {theirs !== undefined && (
        <p role="status" className="text-[0.8125rem] break-words text-warn">
          {theirs === "" ? "Somebody removed the notes meanwhile." : "Somebody changed the notes meanwhile, to:"} <bdi className="whitespace-pre-wrap">{theirs}</bdi>
        </p>
      )}
      {isChanged && (
        <div className="flex justify-end gap-2">
          <Button size="small" onClick={undo}>
            Undo
          </Button>
          <Button size="small" tone="accent" type="submit" isBusy={change.isPending}>
            Save
          </Button>
        </div>
      )}
    </form>
  );
}

/** Makes one of two, or none. */
function Ends({ conversationId, contact }: OfContact) {
  const [other, setOther] = useState<Contact>();
  const [isDeleting, setDeleting] = useState(false);
  const merge = useContactChange(conversationId);
  const remove = useContactChange(conversationId);
  return (
    <div className="flex flex-wrap gap-2">
      <ContactSearch
        except={contact.id}
        onChoose={setOther}
        trigger={
          <Button size="small" icon={Merge}>
            Join with another contact
          </Button>
        }
      />
      <Button size="small" tone="quiet" icon={Trash2} onClick={() => setDeleting(true)}>
        Delete
      </Button>
      {other && (
        <ConfirmDialog
          title={`Are ${contact.name} and ${other.name} one person?`}
          description={`${contact.name} gets the addresses (${other.addresses.map(formatAddress).join(", ") || "none"}) and the notes of ${other.name}, who is no contact of their own any more. Splitting the addresses off undoes it.`}
          action="Join"
          tone="accent"
          isOpen
          isBusy={merge.isPending}
          error={merge.isError ? explain(merge.error) : undefined}
          onConfirm={() =>
            merge.mutate(
              { contact: contact.id, merge: other.id },
              {
                onSuccess: () => {
                  setOther(undefined);
                  toast("They are one contact now");
                },
              },
            )
          }
          onClose={() => {
            setOther(undefined);
            merge.reset();
          }}
        />
      )}
      <ConfirmDialog
        title={`Delete ${contact.name}?`}
        description="The name and the notes go. Every address is a conversation of its own again, and no message is lost."
        action="Delete"
        isOpen={isDeleting}
        isBusy={remove.isPending}
        error={remove.isError ? explain(remove.error) : undefined}
        onConfirm={() =>
          remove.mutate(
            { remove: contact.id },
            {
              onSuccess: () => {
                setDeleting(false);
                toast("The contact is deleted");
              },
            },
          )
        }
        onClose={() => setDeleting(false)}
      />
    </div>
  );
}
