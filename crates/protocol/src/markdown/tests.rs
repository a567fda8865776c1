//! What a message looks like, as a short notation: `p(...)`, `h`, `q`, `li`, and `*`, `_`, `-`, `` ` ``, `a` for inlines.

use super::*;
use crate::limits::RICH_DEPTH;

/// A tree, short enough to be read in a table.
fn drawn(blocks: &[Block]) -> String {
    let blocks = blocks.iter().map(|block| match block {
        Block::Paragraph { inlines } => format!("p({})", line(inlines)),
        Block::Heading { inlines } => format!("h({})", line(inlines)),
        Block::Quote { blocks } => format!("q({})", drawn(blocks)),
        Block::Code { language, text } => {
            format!("code[{}]({text})", language.as_deref().unwrap_or(""))
        }
        Block::List { start, items } => {
            let items: Vec<String> = items.iter().map(|item| drawn(item)).collect();
            format!(
                "li{}({})",
                start.map(|start| start.to_string()).unwrap_or_default(),
                items.join("|")
            )
        }
        Block::Rule => "rule".to_owned(),
    });
    blocks.collect::<Vec<_>>().join(" ")
}

fn line(inlines: &[Inline]) -> String {
    let inlines = inlines.iter().map(|inline| match inline {
        Inline::Text { text } => text.clone(),
        Inline::Break => "\u{23ce}".to_owned(),
        Inline::Strong { inlines } => format!("S({})", line(inlines)),
        Inline::Emphasis { inlines } => format!("E({})", line(inlines)),
        Inline::Strike { inlines } => format!("X({})", line(inlines)),
        Inline::Code { text } => format!("C({text})"),
        Inline::Link {
            href,
            host,
            plain,
            inlines,
        } => {
            let sign = if *plain { "=" } else { "?" };
            format!("L({}{sign}{href} at {host})", line(inlines))
        }
    });
    inlines.collect()
}

#[track_caller]
fn check(text: &str, tree: &str) {
    let drawn = rich(text).map_or("as it is".to_owned(), |Rich(blocks)| drawn(&blocks));
    assert_eq!(drawn, tree, "{text:?}");
}

#[test]
fn what_people_mark_is_drawn() {
    check(
        "**hello** *you* ~~not~~ `x < y`",
        "p(S(hello) E(you) X(not) C(x < y))",
    );
    check("__hello__ _you_", "p(S(hello) E(you))");
    check("***both***", "p(E(S(both)))");
    check("a *b*\nc", "p(a E(b)\u{23ce}c)");
    check("a *b*  \nc", "p(a E(b)\u{23ce}c)");
    check(
        "# Plan\n\n- one\n- *two*\n  - three",
        "h(Plan) li(p(one)|p(E(two)) li(p(three)))",
    );
    check("3. c\n4. d", "li3(p(c)|p(d))");
    check("- a\n\n- b", "li(p(a)|p(b))");
    check("> said\n> so\n\nyes", "q(p(said\u{23ce}so)) p(yes)");
    check(">quoted", "q(p(quoted))");
    check(">> twice", "q(q(p(twice)))");
    check(
        "```rust\nfn main() {}\n\n  x\n```",
        "code[rust](fn main() {}\n\n  x)",
    );
    check("```\n*a* <b> &lt;\n```", "code[](*a* <b> &lt;)");
    check("```<script>\nx\n```", "code[](x)");
    check("~~~\nopen to the end", "code[](open to the end)");
    check(
        "a\n\n    indented\n      more",
        "p(a) code[](indented\n  more)",
    );
    check("one\n\n---\n\ntwo *x*", "p(one) rule p(two E(x))");
    check(
        "\u{8fd9}\u{662f}**\u{91cd}\u{70b9}**\u{5185}\u{5bb9}",
        "p(\u{8fd9}\u{662f}S(\u{91cd}\u{70b9})\u{5185}\u{5bb9})",
    );
    check("- [ ] milk\n- [x] bread", "li(p([ ] milk)|p([x] bread))");
}

#[test]
fn what_nobody_marked_stays_as_it_is() {
    for text in [
        "hello",
        "5 * 3 * 2",
        "5*3*2",
        "2**10 and 3**4",
        "a*b*c",
        "*",
        "**",
        "* ",
        "-",
        "+",
        "1.",
        "2)",
        "#",
        "##",
        ">",
        "---",
        "***",
        "_",
        "~",
        "`",
        "|",
        "\\",
        "#channel",
        "#1 is best",
        "+1",
        "-5 degrees",
        "1.5 litres",
        "19.30",
        "snake_case_name",
        "a_file_name.py is_one",
        "~5 minutes, ~6 at most",
        "about ~5~ minutes",
        ">_<",
        ">.<",
        ">:(",
        "<3",
        "a < b > c",
        "x<y",
        "[x]",
        "[ ] milk",
        "[1] see there",
        "(c)",
        "!",
        "a!b",
        "![",
        "](",
        "100 %",
        "~/files/x",
        "C:\\Users\\ada",
        "\\\\server\\share\\file",
        "\\\\server\\share",
        "AT&T",
        "&",
        "&amp;",
        "&#106;",
        "tick ' tick",
        "| a | b |\n|---|---|\n| 1 | 2 |",
        "Anna\n---",
        "Anna\n===",
        "one\ntwo\n-",
        "one\n\ntwo\n\n\nthree",
        "  indented\n by hand",
        "note[^1]\n\n[^1]: there",
        "$x^2$",
        "a ^ b ^ c",
        "H~2~O",
        "example.org",
        "www.example.org",
        "foo://bar",
        "chatspot://join/AAAA",
        "http://",
        "https:// x",
        "mailto:",
        "@ada",
        "ada@localhost",
        "a\\",
        "a\\\nb",
        "\u{202e}abc",
        "\u{1f468}\u{200d}\u{1f469}",
        "term\n: meaning",
        "[a]: b",
        "[a]: b\n[c]: d",
    ] {
        check(text, "as it is");
    }
}

#[test]
fn nothing_that_was_written_is_hidden() {
    check(
        "*a*\n\n[x]: http://example.org",
        "p(E(a)) p([x]: L(http://example.org=http://example.org/ at example.org))",
    );
    check(
        "*a*\n\n[x]: <javascript:y>\n[x]: z",
        "p(E(a)) p([x]: <javascript:y>\u{23ce}[x]: z)",
    );
    check("> *a*\n>\n> [x]: http://example.org", "as it is");
    check("*a* <!-- b -->", "p(E(a) <!-- b -->)");
    check(
        "*a*\n\n<!-- b\n\nc -->",
        "p(E(a)) p(<!-- b\u{23ce}\u{23ce}c -->)",
    );
    check("*a* &amp; b &lt;i&gt;", "p(E(a) &amp; b &lt;i&gt;)");
    check("*a*\n\n#", "p(E(a)) p(#)");
    check("*a*\n\n-\n\n1.", "p(E(a)) p(-) p(1.)");
    check("*a*\n\n>", "p(E(a)) p(>)");
    check("*a*\n\n>_<", "p(E(a)) p(>_<)");
    check("*a* \\\\host\\x", "p(E(a) \\\\host\\x)");
    check("*a*\\\nb", "p(E(a)\\\u{23ce}b)");
    check("*a*\nb\n---", "p(E(a)\u{23ce}b\u{23ce}---)");
    check("*a* 5*3*2", "p(E(a) 5*3*2)");
    check(
        "*a* [](http://example.org)",
        "p(E(a) L(http://example.org/=http://example.org/ at example.org))",
    );
    // What was escaped is meant, and so is that the mark is not seen.
    check("\\*a\\* \\# \\_", "p(*a* # _)");
}

#[test]
fn f41_what_is_nasty_is_inert() {
    for text in [
        "<img src=x onerror=alert(1)>",
        "<script>alert(1)</script>",
        "<a href=\"javascript:alert(1)\">x</a>",
        "<svg/onload=alert(1)>",
        "<iframe src=//evil.example>",
        "<style>*{display:none}</style>",
        "<ScRiPt >",
        "<?php ?>",
        "<![CDATA[x]]>",
        "<!doctype html>",
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "vbscript:x",
        "file:///etc/passwd",
        "&lt;img src=x onerror=alert(1)&gt;",
        "&#60;script&#62;",
        "&#x6A;avascript:alert(1)",
        "[x](javascript:alert(1))",
        "[x](JAVASCRIPT:alert(1))",
        "[x](  javascript:alert(1))",
        "[x](javascript&colon;alert(1))",
        "[x](javascript&#58;alert(1))",
        "[x](&#106;avascript:alert(1))",
        "[x](java&Tab;script:alert(1))",
        "[x](<java\tscript:alert(1)>)",
        "[x](\u{1}javascript:alert(1))",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "[x](vbscript:x)",
        "[x](file:///etc/passwd)",
        "[x](blob:x)",
        "[x](//evil.example)",
        "[x](/path)",
        "[x](#top)",
        "[x](tauri://localhost)",
        "[x](chatspot://join/AAAA)",
        "[x](http://ada:secret@evil.example)",
        "[x](http://bank.example@evil.example/)",
        "[x](http://)",
        "[x](http:///)",
        "[x](mailto:)",
        "[x](mailto:a@b,c@d)",
        "[x](mailto:a%40b@c)",
        "[x](mailto:a@b@c)",
        "![x](data:image/png;base64,AAAA)",
        "![x](file:///x.png)",
        "<javascript:alert(1)>",
        "<data:text/html,x>",
        "[x]\n\n[x]: javascript:alert(1)",
        "http://ada:secret@evil.example/",
        "https://bank.example@evil.example/",
    ] {
        check(text, "as it is");
    }
    // Long, too.
    let long = format!("[x](http://example.org/{})", "a".repeat(LINK_BYTES));
    check(&long, "as it is");
    check("[*x*](javascript:y) *z*", "p([*x*](javascript:y) E(z))");
}

#[test]
fn f42_a_link_shows_where_it_really_leads() {
    check(
        "[bank.example](http://evil.example)",
        "p(L(bank.example?http://evil.example/ at evil.example))",
    );
    check(
        "[https://bank.example/](https://evil.example/)",
        "p(L(https://bank.example/?https://evil.example/ at evil.example))",
    );
    check(
        "<https://example.org/a>",
        "p(L(https://example.org/a=https://example.org/a at example.org))",
    );
    check(
        "<ada@example.org>",
        "p(L(ada@example.org=mailto:ada@example.org at ada@example.org))",
    );
    check(
        "see https://Example.org/a_b_c?d=1&e=2#f.",
        "p(see L(https://Example.org/a_b_c?d=1&e=2#f=https://example.org/a_b_c?d=1&e=2#f at example.org).)",
    );
    check(
        "(http://example.org)",
        "p((L(http://example.org=http://example.org/ at example.org)))",
    );
    check(
        "http://example.org/a*b*c",
        "p(L(http://example.org/a*b*c=http://example.org/a*b*c at example.org))",
    );
    check(
        "https://de.example/wiki/M\u{fc}ller_(Ort)",
        "p(L(https://de.example/wiki/M\u{fc}ller_(Ort)=https://de.example/wiki/M%C3%BCller_(Ort) at de.example))",
    );
    check(
        "write to ada@example.org!",
        "p(write to L(ada@example.org=mailto:ada@example.org at ada@example.org)!)",
    );
    check(
        "[write](mailto:ada@example.org?subject=x&attach=/etc/passwd)",
        "p(L(write?mailto:ada@example.org at ada@example.org))",
    );
    // A host that looks like another one, and one that is another one.
    check(
        "http://b\u{430}nk.example",
        "p(L(http://b\u{430}nk.example?http://xn--bnk-6cd.example/ at xn--bnk-6cd.example))",
    );
    check(
        "http://m\u{fc}ller.example/",
        "p(L(http://m\u{fc}ller.example/?http://xn--mller-kva.example/ at xn--mller-kva.example))",
    );
    check(
        "<http://0x7f.1/>",
        "p(L(http://0x7f.1/?http://127.0.0.1/ at 127.0.0.1))",
    );
    check(
        "<http://%62ank.example/>",
        "p(L(http://%62ank.example/?http://bank.example/ at bank.example))",
    );
    check(
        "[http://example.org/\u{202e}x](http://example.org/\u{202e}x)",
        "p(L(http://example.org/\u{202e}x?http://example.org/%E2%80%AEx at example.org))",
    );
    check(
        "[http:\\\\evil.example](http://evil.example)",
        "p(L(http:\\\\evil.example?http://evil.example/ at evil.example))",
    );
    check(
        "[http://example.org](https://example.org)",
        "p(L(http://example.org?https://example.org/ at example.org))",
    );
    // A picture is never fetched.
    check(
        "![cat](https://example.org/cat.png)",
        "p(L(cat?https://example.org/cat.png at example.org))",
    );
    check(
        "![](https://example.org/cat.png)",
        "p(L(https://example.org/cat.png=https://example.org/cat.png at example.org))",
    );
    check(
        "[![cat](http://a.example)](http://b.example)",
        "p(L(![cat](http://a.example)?http://b.example/ at b.example))",
    );
    // In a link there is no other.
    check(
        "[see http://a.example](http://b.example)",
        "p(L(see http://a.example?http://b.example/ at b.example))",
    );
    check("`http://example.org`", "p(C(http://example.org))");
    check(
        "**http://example.org**",
        "p(S(L(http://example.org=http://example.org/ at example.org)))",
    );
}

#[test]
fn f43_a_quote_of_html_is_inert() {
    check("> <b onclick=x>hi</b>", "q(p(<b onclick=x>hi</b>))");
    check(
        "> <img src=x onerror=y>\n> more",
        "q(p(<img src=x onerror=y>\u{23ce}more))",
    );
    check("> [x](javascript:y)", "q(p([x](javascript:y)))");
    check("- <script>\n  x", "li(p(<script>\u{23ce}x))");
}

/// How deep a tree is: the parts that stand in each other.
fn depth(blocks: &[Block]) -> usize {
    let of_block = |block: &Block| match block {
        Block::Paragraph { inlines } | Block::Heading { inlines } => inline_depth(inlines),
        Block::Quote { blocks } => depth(blocks),
        Block::List { items, .. } => items.iter().map(|item| depth(item)).max().unwrap_or(0),
        Block::Code { .. } | Block::Rule => 0,
    };
    blocks
        .iter()
        .map(|block| 1 + of_block(block))
        .max()
        .unwrap_or(0)
}

fn inline_depth(inlines: &[Inline]) -> usize {
    let of_inline = |inline: &Inline| match inline {
        Inline::Strong { inlines }
        | Inline::Emphasis { inlines }
        | Inline::Strike { inlines }
        | Inline::Link { inlines, .. } => inline_depth(inlines),
        Inline::Text { .. } | Inline::Break | Inline::Code { .. } => 0,
    };
    inlines
        .iter()
        .map(|inline| 1 + of_inline(inline))
        .max()
        .unwrap_or(0)
}

#[test]
fn a_tree_is_neither_deep_nor_large() {
    let items: Vec<String> = (0..200)
        .map(|level| format!("{}- x", "  ".repeat(level % 60)))
        .collect();
    let emphasised = (0..30).fold("hi".to_owned(), |within, level| {
        let mark = ["**", "_", "~~"][level % 3];
        format!("{mark}a {within} z{mark}")
    });
    let deep = [
        emphasised,
        format!("{} hi http://example.org", ">".repeat(2_000)),
        format!("{}hi", "> ".repeat(2_000)),
        format!("{}hi", "- ".repeat(2_000)),
        format!("{}hi", "1. ".repeat(2_000)),
        format!("{}hi", "> - ".repeat(1_000)),
        format!("{}hi{}", "*a **b ".repeat(500), "** *".repeat(500)),
        format!(
            "{}hi http://example.org{}",
            "*_".repeat(2_000),
            "_*".repeat(2_000)
        ),
        format!(
            "{}x{}",
            "[".repeat(4_000),
            "](http://example.org)".repeat(400)
        ),
        items.join("\n"),
    ];
    for text in &deep {
        if let Some(Rich(blocks)) = rich(text) {
            assert!(
                depth(&blocks) <= RICH_DEPTH,
                "{} of {text:.60}",
                depth(&blocks)
            );
            let mut shown = String::new();
            text_of(&blocks, &mut shown);
            assert!(shown.contains("hi") || !text.contains("hi"), "{text:.60}");
        }
    }
    let Some(Rich(blocks)) = rich(&deep[2]) else {
        panic!("a deep quote is still one");
    };
    assert_eq!(depth(&blocks), RICH_DEPTH);
    let list = |count: usize| "- x\n".repeat(count);
    assert!(rich(&list(RICH_NODES / 3)).is_some());
    assert_eq!(rich(&list(RICH_NODES / 3 + 1)), None);
    assert_eq!(rich(&"*a* ".repeat(RICH_NODES)), None);
    assert_eq!(rich(&format!("*a*{}", "x".repeat(MAX_TEXT_BYTES))), None);
}

#[test]
fn what_may_be_opened_is_http_https_or_a_mail_address() {
    let safe = |href: &str| safe_link(href).map(|link| (link.href, link.host));
    let pair = |href: &str, host: &str| Some((href.to_owned(), host.to_owned()));
    assert_eq!(
        safe("HTTP://Example.ORG"),
        pair("http://example.org/", "example.org")
    );
    assert_eq!(
        safe("https://[::1]:8080/x"),
        pair("https://[::1]:8080/x", "[::1]")
    );
    assert_eq!(
        safe("https://example.org:443/"),
        pair("https://example.org/", "example.org")
    );
    assert_eq!(
        safe("http:example.org"),
        pair("http://example.org/", "example.org")
    );
    assert_eq!(
        safe("MAILTO:Ada@M\u{fc}ller.example?body=x#y"),
        pair(
            "mailto:Ada@xn--mller-kva.example",
            "Ada@xn--mller-kva.example"
        )
    );
    for href in [
        "",
        " ",
        "x",
        "ftp://example.org",
        "javascript:x",
        "java\nscript:x",
        "http://a\tb.example",
        "http://a\0b",
        "http://example.org/\r\n",
        "\u{85}http://example.org",
        "http://user@example.org",
        "http://:x@example.org",
        "https://",
        "mailto:ada",
        "mailto:@b",
        "mailto:a b@c",
        "mailto:a@",
        "mailto:a@[::1]",
        "mailto:a@127.0.0.1",
        "mailto:\"a\"@b",
        "mailto:a@b%00",
        "mailto://a.example/b@c.example",
        "mailto:/b@c.example",
        "mailto:////b@c",
        "about:blank",
        "ws://example.org",
    ] {
        assert_eq!(safe_link(href), None, "{href:?}");
    }
    // What is safe stays what it is when it is looked at again.
    for href in [
        "http://m\u{fc}ller.example/\u{fc}?\u{fc}#\u{fc}",
        "mailto:a@b.c",
        "https://a_b.example/|{}",
    ] {
        let link = safe_link(href).unwrap();
        assert_eq!(safe_link(&link.href), Some(link));
    }
}

/// A `~` means about, however many stand in each other: they are no deeper than anything else.
#[test]
fn what_is_nested_without_meaning_is_bounded_too() {
    for mark in ["~", "*", "_", "**", "~~"] {
        let (open, close) = (format!(" {mark}a"), format!("{mark}."));
        let text = format!("{}@example.org{}", open.repeat(1_100), close.repeat(1_100));
        let text = crate::text::cut(&text, crate::limits::MAX_TEXT_BYTES);
        // On a stack that one message must not use up.
        let text = text.to_owned();
        let reading = std::thread::Builder::new().stack_size(512 * 1024);
        reading
            .spawn(move || drop(rich(&text)))
            .unwrap()
            .join()
            .unwrap();
    }
}
