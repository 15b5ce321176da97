//! What of a mail is new, and where what it quotes begins.

/// Bytes of a line that may introduce a quotation.
const LONGEST_INTRODUCTION: usize = 400;
/// Lines over which an introduction, or a header that stands in a text, may go.
const INTRODUCTION_LINES: usize = 3;
const HEADER_LINES: usize = 8;

/// With what mail programs end the line above a quotation, in the languages that are common.
const WROTE: &[&str] = &[
    "wrote",
    "schrieb",
    "a écrit",
    "escribió",
    "ha scritto",
    "escreveu",
    "schreef",
    "skrev",
    "napisał",
    "napisał(a)",
    "napisała",
    "kirjoitti",
    "napsal",
    "napsal(a)",
    "napsala",
    "írta",
    "a scris",
    "yazdı",
    "şunu yazdı",
    "пишет",
    "писал",
    "писал(а)",
    "написал",
    "написал(а)",
    "написала",
    "пише",
    "έγραψε",
    "כתב",
    "כתב/ה",
    "كتب",
    "写道",
    "寫道",
    "のメール",
    "書きました",
    "作成",
    "작성",
    "님이 작성",
    "viết",
    "menulis",
];

/// With what such a line begins, where it ends in the sender's name.
const ON: &[&str] = &["on ", "am ", "le ", "el ", "il ", "em ", "op ", "den ", "dnia ", "w dniu "];

/// What stands between dashes above a mail that is answered.
const ORIGINAL: &[&str] = &[
    "original message",
    "original appointment",
    "ursprüngliche nachricht",
    "originalnachricht",
    "message d'origine",
    "message d’origine",
    "message original",
    "mensaje original",
    "messaggio originale",
    "mensagem original",
    "oorspronkelijk bericht",
    "originalmeddelande",
    "oprindelig meddelelse",
    "opprinnelig melding",
    "alkuperäinen viesti",
    "wiadomość oryginalna",
    "oryginalna wiadomość",
    "původní zpráva",
    "исходное сообщение",
    "原始邮件",
    "原始郵件",
    "元のメッセージ",
    "원본 메시지",
];

/// The names of the fields of a header that a mail program writes above what it quotes, each with the languages' words.
const SENDER: &[&str] = &[
    "from",
    "von",
    "de",
    "da",
    "van",
    "från",
    "fra",
    "lähettäjä",
    "od",
    "от",
    "发件人",
    "寄件者",
    "差出人",
    "보낸 사람",
];
const FURTHER: &[&str] = &[
    "sent",
    "date",
    "to",
    "cc",
    "subject",
    "gesendet",
    "datum",
    "an",
    "betreff",
    "envoyé",
    "à",
    "objet",
    "enviado",
    "enviado el",
    "fecha",
    "para",
    "asunto",
    "inviato",
    "data",
    "a",
    "oggetto",
    "assunto",
    "verzonden",
    "aan",
    "onderwerp",
    "skickat",
    "till",
    "ämne",
    "sendt",
    "til",
    "emne",
    "lähetetty",
    "vastaanottaja",
    "aihe",
    "wysłano",
    "do",
    "temat",
    "odesláno",
    "komu",
    "předmět",
    "отправлено",
    "дата",
    "кому",
    "тема",
    "копия",
    "发送时间",
    "收件人",
    "主题",
    "抄送",
    "寄件日期",
    "收件者",
    "主旨",
    "送信日時",
    "宛先",
    "件名",
    "보낸 날짜",
    "받는 사람",
    "제목",
];

/// What of a mail's text is new: all of it before what it quotes at its end. Nothing when it quotes nothing there, or
/// nothing else.
///
/// It is the beginning of the text, as it stands. A quotation that is answered line by line is not cut apart.
pub fn new_part(text: &str) -> Option<&str> {
    let lines = lines(text);
    let at = (0..lines.len()).find(|at| begins_quote(&lines[*at..])).or_else(|| last_run(&lines))?;
    let new = text[..lines[at].0].trim_end();
    (!new.trim_start().is_empty()).then_some(new)
}

/// The lines of a text, each with where it begins.
fn lines(text: &str) -> Vec<(usize, &str)> {
    let mut at = 0;
    let place = |line| {
        let place: (usize, &str) = (at, line);
        at += line.len();
        place
    };
    text.split_inclusive('\n').map(place).collect()
}

fn is_quoted(line: &str) -> bool {
    line.trim_start().starts_with('>')
}

/// Whether everything from here on is quoted.
fn begins_quote(rest: &[(usize, &str)]) -> bool {
    let Some((_, first)) = rest.first() else { return false };
    let first = first.trim();
    if first.is_empty() || is_quoted(first) {
        return false;
    }
    if is_divider(first) {
        return true;
    }
    if is_header(rest) {
        return true;
    }
    introduction(rest).is_some_and(|length| is_all_quoted(&rest[length..]))
}

/// `-----Original Message-----`
fn is_divider(line: &str) -> bool {
    let inner = line.trim_matches(['-', '_', ' ']);
    let is_framed = line.starts_with("--") && line.ends_with("--") && inner.len() < 60;
    is_framed && ORIGINAL.contains(&inner.to_lowercase().as_str())
}

/// A sender's line, and at least two more fields right under it.
fn is_header(rest: &[(usize, &str)]) -> bool {
    let field = |line: &str| {
        let line = line.trim().trim_start_matches('*');
        let (name, _) = line.get(..line.len().min(LONGEST_INTRODUCTION)).unwrap_or(line).split_once([':', '：'])?;
        (name.len() < 40).then(|| name.trim_matches(['*', ' ', '\u{a0}']).to_lowercase())
    };
    let is_sender = rest.first().and_then(|(_, line)| field(line)).is_some_and(|name| SENDER.contains(&name.as_str()));
    let further = || rest.iter().skip(1).take(HEADER_LINES).filter_map(|(_, line)| field(line));
    is_sender && further().filter(|name| FURTHER.contains(&name.as_str())).count() >= 2
}

/// How many lines a line as `On Monday, Ann wrote:` takes, when one begins here. Over several lines it begins with the
/// last of them that may begin one.
fn introduction(rest: &[(usize, &str)]) -> Option<usize> {
    let mut joined = String::new();
    for (at, (_, line)) in rest.iter().take(INTRODUCTION_LINES).enumerate() {
        let line = line.trim();
        if line.is_empty() || joined.len() + line.len() > LONGEST_INTRODUCTION {
            return None;
        }
        joined.push_str(line);
        if let Some(said) = joined.strip_suffix(':').or_else(|| joined.strip_suffix('：')) {
            let later = || rest[1..=at].iter().map(|(_, line)| line.trim());
            let is_begun_later = later().any(begins_with_on) || later().next_back().is_some_and(stands_alone);
            let is_begin = at == 0 || (begins_with_on(rest[0].1) && !is_begun_later);
            return (is_begin && is_introduction(said)).then_some(at + 1);
        }
        joined.push(' ');
    }
    None
}

fn begins_with_on(line: &str) -> bool {
    let line = line.trim_start().to_lowercase();
    ON.iter().any(|on| line.starts_with(on))
}

/// Whether the last line of an introduction is one by itself: it says when, outside of an address.
fn stands_alone(line: &str) -> bool {
    let said = line.trim_end_matches([':', '：']);
    let outside = said.split('<').map(|part| part.split_once('>').map_or(part, |(_, after)| after));
    is_introduction(said) && outside.flat_map(str::chars).any(char::is_numeric)
}

/// It says who wrote, and when or from where: without that it may be anybody's sentence.
fn is_introduction(said: &str) -> bool {
    let said = said.trim_end().to_lowercase();
    let is_dated = said.contains('@') || said.chars().any(char::is_numeric);
    let is_at_end = WROTE.iter().any(|verb| said.ends_with(verb));
    let is_within = begins_with_on(&said) && WROTE.iter().any(|verb| said.contains(&format!(" {verb} ")));
    is_dated && (is_at_end || is_within)
}

/// Whether nothing of what follows is said anew: it bears no marks at all, or all of it does.
fn is_all_quoted(rest: &[(usize, &str)]) -> bool {
    let mut said = rest.iter().map(|(_, line)| *line).filter(|line| !line.trim().is_empty()).peekable();
    match said.peek() {
        None => false,
        Some(first) if is_quoted(first) => said.all(is_quoted),
        Some(_) => true,
    }
}

/// Where the quoted lines begin with which a text ends, if it does.
fn last_run(lines: &[(usize, &str)]) -> Option<usize> {
    let run = lines.iter().rev().take_while(|(_, line)| line.trim().is_empty() || is_quoted(line)).count();
    let begin = lines.len() - run;
    let first = lines[begin..].iter().position(|(_, line)| is_quoted(line))?;
    Some(begin + first)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_quoted_below_an_answer_is_told_apart() {
        for tail in [
            "On Mon, 2 Mar 2026 at 12:00, Ann <ann@example.com> wrote:\n\n> hello\n> you\n",
            "On Mon, 2 Mar 2026 at 12:00, Ann Verylongname\n<ann@example.com> wrote:\n> hello\n",
            "Am Mo., 2. März 2026 um 12:00 Uhr schrieb Ann <ann@example.com>:\n\n> hallo\n",
            "Am 02.03.2026 um 12:00 schrieb Ann:\nhallo\n",
            "Le lun. 2 mars 2026 à 12:00, Ann <ann@example.com> a écrit :\n\n> bonjour\n",
            "El lun, 2 mar 2026 a las 12:00, Ann (<ann@example.com>) escribió:\n\n> hola\n",
            "Il giorno lun 2 mar 2026 Ann <ann@example.com> ha scritto:\n> ciao\n",
            "2 марта 2026 г. 12:00, Анна <ann@example.com> написала:\n\n> привет\n",
            "Ann <ann@example.com> 于2026年3月2日周一 12:00写道：\n\n> 你好\n",
            "2026年3月2日(月) 12:00 Ann <ann@example.com>のメール:\n> やあ\n",
            "-----Original Message-----\nFrom: Ann\nhello\n",
            "-----Ursprüngliche Nachricht-----\nVon: Ann\n\nhallo",
            "From: Ann <ann@example.com>\nSent: Monday, 2 March 2026 12:00\nTo: Bo\nSubject: Hi\n\nhello",
            "*Von:* Ann <ann@example.com>\n*Gesendet:* Montag\n*An:* Bo\n*Betreff:* Hi\n\nhallo",
            "De : Ann\nEnvoyé : lundi\nÀ : Bo\nObjet : Hi\n\nbonjour",
            "> hello\n> you\n\n> there\n",
        ] {
            let text = format!("Thank you.\n\nBo\n\n{tail}");
            assert_eq!(new_part(&text), Some("Thank you.\n\nBo"), "{tail}");
            let windows = text.replace('\n', "\r\n");
            assert_eq!(new_part(&windows), Some("Thank you.\r\n\r\nBo"), "{tail}");
            assert_eq!(new_part(tail), None, "nothing is new: {tail}");
            let close = format!("On it, at 12.\nBo\n{tail}");
            assert_eq!(new_part(&close), Some("On it, at 12.\nBo"), "{tail}");
        }
    }

    #[test]
    fn what_is_said_is_not_taken_for_a_quotation() {
        for text in [
            "",
            "hello",
            "As Shakespeare wrote:\nto be",
            "On Monday we meet.\n\nIn 2026 she wrote: nothing",
            "From: here\nwe go on",
            "On 2 Mar 2026 Ann <a@example.com> wrote:\n> one?\n\nyes\n\n> two?\n\nno\n",
            "> one?\nyes",
            "---------- Forwarded message ---------\nFrom: Ann\n\nread this",
            "a > b\nc",
        ] {
            assert_eq!(new_part(text), None, "{text}");
        }
        let between = "> one?\n\nyes\n\n> two?\n> and three?\n";
        assert_eq!(new_part(between), Some("> one?\n\nyes"));
    }

    proptest! {
        #[test]
        fn what_is_new_is_the_beginning_of_every_text(text in "(On 1 a@b wrote:|From: x|To: y|Sent: z|>|\n|\r\n|[a-zé写：:]| ){0,60}") {
            if let Some(new) = new_part(&text) {
                prop_assert!(text.starts_with(new) && !new.trim().is_empty() && new.len() < text.len());
            }
        }
    }

    #[test]
    fn a_text_made_to_cost_much_costs_little() {
        let begun = std::time::Instant::now();
        for line in ["On 1 a@b wrote:\n>\nx\n", "From: x\n", "From: x\nTo: y\n", ">", "\n", "----\n"] {
            let _ = new_part(&line.repeat(1_000_000 / line.len()));
        }
        assert!(begun.elapsed() < std::time::Duration::from_secs(20), "{:?}", begun.elapsed());
    }
}
