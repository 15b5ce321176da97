/** Who asks to be friends, whom one asked, and which strangers wrote. */
import { MailQuestionMark, UserRoundPlus } from "lucide-react";
import { Avatar } from "../../parts/avatar";
import { Link } from "../../parts/link";
import { EmptyState } from "../../parts/states";
import { Time } from "../../parts/time";
import { type Conversation, titleOf } from "../inbox/names";
import { useChats } from "./groups";
import { PeopleList } from "./people-list";
import { PersonRow } from "./person-row";
import { type Everyone, type FriendRequest, type Person } from "./queries";
import { fullName } from "./relations";

export function Requests({ me, requests, people }: { me: string; requests: Everyone<FriendRequest>; people: readonly Person[] }) {
  const strangers = useChats().chats.filter(({ is_request }) => is_request === true);
  const names = new Map(people.map((person) => [person.user_name, fullName(person)]));
  const toMe = requests.all.filter(({ direction }) => direction === "in");
  const byMe = requests.all.filter(({ direction }) => direction !== "in");
  const row = (relation: "asks" | "asked") => (request: FriendRequest) => (
    <PersonRow
      key={request.user_name}
      person={{ userName: request.user_name, name: names.get(request.user_name) ?? "", relation }}
      note={<Time at={request.created_at} form="relative" />}
    />
  );
  if (!requests.isPending && !requests.error && requests.all.length === 0 && strangers.length === 0) {
    return (
      <EmptyState icon={UserRoundPlus} title="No requests">
        Who asks to be your friend stands here, and whom you have asked.
      </EmptyState>
    );
  }
  return (
    <div className="flex flex-col gap-2">
      {strangers.length > 0 && (
        <>
          <Heading text="Wrote to you, and are no friends yet" />
          <ul aria-label="Strangers who wrote" className="flex flex-col divide-y">
            {strangers.map((chat) => (
              <Stranger key={chat.id} chat={chat} me={me} />
            ))}
          </ul>
        </>
      )}
      {(toMe.length > 0 || requests.isPending || requests.error) && (
        <>
          <Heading text="Ask to be your friends" />
          <PeopleList label="The requests" list={requests} rows={toMe} row={row("asks")} empty={null} />
        </>
      )}
      {byMe.length > 0 && (
        <>
          <Heading text="You have asked" />
          <PeopleList label="Your requests" list={requests} rows={byMe} row={row("asked")} empty={null} />
        </>
      )}
    </div>
  );
}

function Heading({ text }: { text: string }) {
  return <h2 className="px-3 pt-2 text-[0.8125rem] font-medium text-ink-muted sm:px-4">{text}</h2>;
}

function Stranger({ chat, me }: { chat: Conversation; me: string }) {
  const title = titleOf(chat, me);
  return (
    <li className="flex items-center gap-3 px-3 py-2.5 sm:px-4">
      <Avatar name={title} />
      <div className="min-w-0 flex-1">
        <bdi className="block truncate font-medium">{title}</bdi>
        <Time at={chat.updated_at} form="relative" className="text-[0.8125rem] text-ink-muted" />
      </div>
      <Link
        to="/inbox/$conversationId"
        params={{ conversationId: String(chat.id) }}
        className="inline-flex min-h-10 items-center gap-2 rounded-md border border-line-strong px-2.5 text-[0.8125rem] font-medium hover:bg-hover sm:min-h-7"
      >
        <MailQuestionMark aria-hidden="true" className="size-4" />
        Look at it
      </Link>
    </li>
  );
}
