//! Twilio's error codes: what each says of a message, in the answer to a send and in a status callback alike.
//!
//! <https://www.twilio.com/docs/api/errors>

/// What a code says of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Not sent, and may be tried again.
    Retry,
    /// Refused, and no further try can help.
    Rejected,
    /// Refused, because its recipient wants nothing from this sender.
    OptedOut,
    /// Taken and not brought there; in the answer to a send, refused.
    Failed,
}

/// One code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meaning {
    /// As Twilio numbers it.
    pub code: u32,
    /// What it says of the message.
    pub fate: Fate,
    /// The same for people.
    pub text: &'static str,
}

const fn says(code: u32, fate: Fate, text: &'static str) -> Meaning {
    Meaning { code, fate, text }
}

/// By code. What is the account's trouble and not the message's is tried again: it can be mended meanwhile.
const TABLE: &[Meaning] = &[
    says(20003, Fate::Retry, "Twilio does not accept the account's credentials"),
    says(20005, Fate::Retry, "the account at Twilio is not active"),
    says(20429, Fate::Retry, "too many requests"),
    says(21211, Fate::Rejected, "the recipient is no valid number"),
    says(21212, Fate::Rejected, "the sender is no valid number"),
    says(21408, Fate::Rejected, "the account may not send to the recipient's country"),
    says(21602, Fate::Rejected, "the message has no text"),
    says(21603, Fate::Rejected, "the message has no sender"),
    says(21604, Fate::Rejected, "the message has no recipient"),
    says(21605, Fate::Rejected, "the text is too long"),
    says(21606, Fate::Rejected, "the sender is no number of the account that can send texts"),
    says(21608, Fate::Rejected, "a trial account sends to verified numbers only"),
    says(21609, Fate::Rejected, "Twilio cannot call back to public_url"),
    says(21610, Fate::OptedOut, "the recipient has opted out of this sender's messages"),
    says(21611, Fate::Retry, "the sender's queue is full"),
    says(21612, Fate::Rejected, "the recipient cannot be reached from this sender"),
    says(21614, Fate::Rejected, "the recipient is no mobile number"),
    says(21617, Fate::Rejected, "the text is longer than 1,600 characters"),
    says(21619, Fate::Rejected, "the message has neither text nor media"),
    says(21620, Fate::Rejected, "an attachment is no URL that Twilio can read"),
    says(21623, Fate::Rejected, "the message has more than ten attachments"),
    says(21635, Fate::Rejected, "the recipient is a landline"),
    says(21660, Fate::Rejected, "the sender does not belong to the account"),
    says(21701, Fate::Rejected, "there is no such messaging service"),
    says(21703, Fate::Rejected, "the messaging service has no sender"),
    says(21704, Fate::Rejected, "the messaging service has no sender"),
    says(30001, Fate::Retry, "Twilio's queue overflowed"),
    says(30002, Fate::Failed, "the account was suspended before it was sent"),
    says(30003, Fate::Failed, "the recipient's phone is off or out of reach"),
    says(30004, Fate::Failed, "the recipient's phone blocks it"),
    says(30005, Fate::Failed, "the recipient's number is unknown or not in use"),
    says(30006, Fate::Failed, "the recipient is a landline or its carrier cannot be reached"),
    says(30007, Fate::Failed, "a carrier filtered it"),
    says(30008, Fate::Failed, "the carrier did not say why"),
    says(30009, Fate::Failed, "a part of it got lost"),
    says(30010, Fate::Failed, "it would cost more than allowed"),
    says(30017, Fate::Failed, "the carrier's network is congested"),
    says(30022, Fate::Retry, "the sender's carrier limit is used up"),
    says(30032, Fate::Failed, "the sender's toll-free number is not verified"),
    says(30034, Fate::Failed, "the sender's number is not registered with the carriers"),
    says(30410, Fate::Failed, "a carrier on the way did not answer in time"),
];

/// What a code says; nothing, when it is not known here.
pub fn meaning(code: u32) -> Option<&'static Meaning> {
    TABLE.binary_search_by_key(&code, |meaning| meaning.code).ok().map(|at| &TABLE[at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_stands_once_and_in_order_with_a_sentence() {
        assert!(TABLE.windows(2).all(|pair| pair[0].code < pair[1].code));
        for meaning in TABLE {
            assert!(meaning.text.len() > 10 && !meaning.text.ends_with('.'), "{meaning:?}");
        }
    }

    #[test]
    fn a_code_says_what_becomes_of_the_message() {
        let fate = |code| meaning(code).map(|meaning| meaning.fate);
        for code in [20003, 20429, 21611, 30001] {
            assert_eq!(fate(code), Some(Fate::Retry), "{code}");
        }
        for code in [21211, 21408, 21606, 21608, 21612, 21614, 21617] {
            assert_eq!(fate(code), Some(Fate::Rejected), "{code}");
        }
        for code in 30002..=30008 {
            assert_eq!(fate(code), Some(Fate::Failed), "{code}");
        }
        assert_eq!(fate(21610), Some(Fate::OptedOut));
        assert_eq!(fate(20500), None);
    }
}
