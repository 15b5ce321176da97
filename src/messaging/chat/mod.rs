//! People writing to each other: conversations of two and groups, who may write to whom, what has reached whom.
//!
//! Nothing here goes to the outbox. Whoever says something, or changes who is there, holds the conversation's lock, and
//! takes the lock of a pair of people before it.

mod change;
mod friends;
mod groups;
mod people;
mod receipts;
mod seed;
mod show;
mod write;

pub use change::{ChangeError, Edit, edit, list_edits, react, take_back, unreact};
pub use friends::{
    Friend, FriendError, FriendRequest, Parted, answer_friend, ask_friend, block, list_blocked, list_friend_requests,
    list_friends, unblock, unfriend,
};
pub use groups::{
    ChatMember, GroupError, MAX_MEMBERS, accept_request, add_member, begin_direct, begin_group, decline_request,
    list_members, remove_member, rename,
};
pub use people::{NoSuchUser, Person, Said, SaidError, list_people, list_said};
pub use receipts::{MarkError, mark_read};
pub use seed::{SeedError, seed};
pub use write::{WriteError, kind_of, write_in, write_to};

pub(super) use receipts::note_delivered;
pub(super) use show::{Chats, show, show_one};
