//! The listing of a generated organisation, with every documented field, names in several scripts, and a few admins.
//! The same arguments give the same bytes.

use std::fmt::Write;

/// First names as they are in JSON, and their form in an email address.
const FIRST_NAMES: [(&str, &str); 12] = [
    ("Ada", "ada"),
    ("Zoë", "zoe"),
    ("Robert \\\"Bob\\\"", "bob"),
    ("Jos\\u00e9 Mar\\u00eda", "jose.maria"),
    ("Margaret", "margaret"),
    ("Søren", "soren"),
    ("伸子", "nobuko"),
    ("Christopher", "christopher"),
    ("Анастасия", "anastasia"),
    ("Grace", "grace"),
    ("Πηνελόπη", "penelope"),
    ("Jean-Baptiste", "jean-baptiste"),
];

const LAST_NAMES: [(&str, &str); 11] = [
    ("Lovelace", "lovelace"),
    ("Müller", "mueller"),
    ("O'Neil", "oneil"),
    ("van den Berg", "vandenberg"),
    ("García Márquez", "garcia"),
    ("Hopper", "hopper"),
    ("山田", "yamada"),
    ("Достоевская", "dostoevskaya"),
    ("Featherstonehaugh", "featherstonehaugh"),
    ("Þórsdóttir", "thorsdottir"),
    ("Smith", "smith"),
];

const GROUPS: [&str; 13] = [
    "Sales EMEA",
    "Creative Cloud All Apps",
    "Design/UX",
    "Acrobat Pro DC - Default",
    "Équipe Zürich",
    "Engineering",
    "Contractors 2026",
    "Document Cloud",
    "東京オフィス",
    "R&D + Research",
    "Marketing North America",
    "Photography Plan 20GB",
    "Everyone",
];

const DOMAINS: [&str; 3] = ["example.com", "corp.example.com", "schule.example"];
const COUNTRIES: [&str; 5] = ["DE", "US", "JP", "FR", "CH"];

/// The answers for all pages, head and body, as they are sent.
pub fn render(users: usize, page_size: usize) -> Vec<Vec<u8>> {
    let pages = users.div_ceil(page_size).max(1);
    (0..pages)
        .map(|page| {
            let people = page * page_size..((page + 1) * page_size).min(users);
            let last = page + 1 == pages;
            let body = body(people, last);
            let head = format!(
                "HTTP/1.1 200 OK\r\n\
                 Content-Type: application/json;charset=UTF-8\r\n\
                 X-Total-Count: {users}\r\n\
                 X-Page-Count: {pages}\r\n\
                 X-Current-Page: {page}\r\n\
                 X-Page-Size: {page_size}\r\n\
                 Content-Length: {}\r\n\r\n",
                body.len()
            );
            (head + &body).into_bytes()
        })
        .collect()
}

fn body(people: std::ops::Range<usize>, last: bool) -> String {
    let mut body = format!(r#"{{"result":"success","lastPage":{last},"users":["#);
    let first = people.start;
    for number in people {
        if number > first {
            body.push(',');
        }
        user(&mut body, number).expect("writing to a string does not fail");
    }
    body.push_str("]}");
    body
}

fn user(json: &mut String, number: usize) -> std::fmt::Result {
    let mut random = SplitMix64(number as u64);
    let (first, first_in_address) = random.pick(&FIRST_NAMES);
    let (last, last_in_address) = random.pick(&LAST_NAMES);
    let domain = random.pick(&DOMAINS);
    let address = format!("{first_in_address}.{last_in_address}.{number:06}@{domain}");
    write!(
        json,
        r#"{{"id":"{:016X}{:08X}@AdobeID","email":"{address}","status":"active","groups":["#,
        random.next(),
        random.next() as u32,
    )?;
    list(
        json,
        &GROUPS,
        2 + random.below(4),
        random.below(GROUPS.len()),
    )?;
    write!(
        json,
        r#"],"username":"{address}","domain":"{domain}","firstname":"{first}","lastname":"{last}","country":"{}""#,
        random.pick(&COUNTRIES),
    )?;
    json.push_str(r#","type":"federatedID","tags":["#);
    list(json, &["edu_student"], random.below(20) / 19, 0)?;
    json.push_str(r#"],"adminRoles":["#);
    list(json, &["org", "support"], random.below(30) / 28, 0)?;
    write!(
        json,
        r#"],"orgSpecific":{},"businessAccount":true}}"#,
        random.below(4) > 0
    )
}

/// Writes `count` names, from `start` on and cyclically.
fn list(json: &mut String, names: &[&str], count: usize, start: usize) -> std::fmt::Result {
    for (position, name) in names.iter().cycle().skip(start).take(count).enumerate() {
        let comma = if position > 0 { "," } else { "" };
        write!(json, r#"{comma}"{name}""#)?;
    }
    Ok(())
}

/// Splitmix64, seeded with the number of the user.
struct SplitMix64(u64);

impl SplitMix64 {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;
    use std::collections::BTreeSet;

    fn answers(users: usize, page_size: usize) -> Vec<(String, Value)> {
        let split = |page: Vec<u8>| {
            let page = String::from_utf8(page).unwrap();
            let (head, body) = page.split_once("\r\n\r\n").unwrap();
            let length = format!("Content-Length: {}", body.len());
            assert!(head.lines().any(|line| line == length));
            (head.to_owned(), serde_json::from_str(body).unwrap())
        };
        render(users, page_size).into_iter().map(split).collect()
    }

    #[test]
    fn every_user_is_listed_once_with_every_documented_field() {
        let answers = answers(450, 200);
        assert_eq!(answers.len(), 3);
        let mut addresses = BTreeSet::new();
        for (number, (head, answer)) in answers.iter().enumerate() {
            assert!(head.contains(&format!("\r\nX-Current-Page: {number}\r\n")));
            assert_eq!(answer["lastPage"], number == 2);
            for user in answer["users"].as_array().unwrap() {
                let mut fields: Vec<&str> =
                    user.as_object().unwrap().keys().map(|k| &**k).collect();
                fields.sort_unstable();
                let documented = [
                    "adminRoles",
                    "businessAccount",
                    "country",
                    "domain",
                    "email",
                    "firstname",
                    "groups",
                    "id",
                    "lastname",
                    "orgSpecific",
                    "status",
                    "tags",
                    "type",
                    "username",
                ];
                assert_eq!(fields, documented);
                assert!(user["groups"].as_array().unwrap().len() >= 2);
                addresses.insert(user["email"].as_str().unwrap().to_owned());
            }
        }
        assert_eq!(addresses.len(), 450);
    }

    #[test]
    fn names_are_in_several_scripts_and_partly_escaped() {
        let page = String::from_utf8(render(500, 500).remove(0)).unwrap();
        for part in [
            "Zoë",
            "伸子",
            r"Jos\u00e9",
            r#"\"Bob\""#,
            r#""adminRoles":["org"]"#,
            r#""adminRoles":[]"#,
        ] {
            assert!(page.contains(part), "{part}");
        }
    }

    #[test]
    fn the_same_arguments_give_the_same_bytes() {
        assert!(render(300, 100) == render(300, 100));
    }
}
