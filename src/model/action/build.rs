//! The commands that a caller gives by their fields, checked.

use super::Action;
use crate::error::{Error, Result};
use crate::model::argument::{
    Check, LONGEST_EMAIL, LONGEST_PERSON_NAME, check_email, check_group_name, check_member,
    check_names, check_new_group_name, check_optional,
};
use crate::model::command::{Command, Noun, OnConflict, Operation};
use crate::model::user::IdentityType;

/// The attributes of a user to create. Only the email is needed everywhere; a federated user also needs a country.
#[derive(Clone, Copy, Debug)]
pub struct NewUser<'a> {
    pub identity: IdentityType,
    pub email: &'a str,
    pub first_name: Option<&'a str>,
    pub last_name: Option<&'a str>,
    pub country: Option<&'a str>,
    pub on_conflict: OnConflict,
}

/// What to change of a user; `None` leaves it as it is.
#[derive(Clone, Copy, Debug, Default)]
pub struct UserUpdate<'a> {
    pub email: Option<&'a str>,
    pub username: Option<&'a str>,
    pub first_name: Option<&'a str>,
    pub last_name: Option<&'a str>,
}

impl NewUser<'_> {
    fn check(&self) -> Result<()> {
        check_email(self.email)?;
        check_optional("firstname", self.first_name, LONGEST_PERSON_NAME)?;
        check_optional("lastname", self.last_name, LONGEST_PERSON_NAME)?;
        if self.country.is_some_and(|c| c.chars().count() != 2) {
            return Err(Error::invalid_argument(
                "country",
                "is not a two-letter code (ISO 3166-1 alpha-2)",
            ));
        }
        if self.identity == IdentityType::FederatedId && self.country.is_none() {
            return Err(Error::invalid_argument(
                "country",
                "the service needs it to create a federated user",
            ));
        }
        Ok(())
    }
}

impl UserUpdate<'_> {
    fn check(&self) -> Result<()> {
        if let Some(email) = self.email {
            check_email(email)?;
        }
        check_optional("username", self.username, LONGEST_EMAIL)?;
        check_optional("firstname", self.first_name, LONGEST_PERSON_NAME)?;
        check_optional("lastname", self.last_name, LONGEST_PERSON_NAME)
    }
}

fn nothing_to_change(argument: &str) -> Error {
    Error::invalid_argument(argument, "nothing to change was given")
}

impl Action {
    /// Creates the user. Goes before the commands that are there, since the service wants it first.
    pub fn create(&mut self, user: NewUser) -> Result<&mut Self> {
        self.must_be_on_user("create")?;
        user.check()?;
        let texts = [
            Some(user.email),
            user.first_name,
            user.last_name,
            user.country,
        ];
        let create = Operation::create_user(user.identity, texts, user.on_conflict);
        self.insert_command(0, Command::from(create))?;
        if user.identity == IdentityType::AdobeId {
            self.set_use_adobe_id(true)?;
        }
        Ok(self)
    }

    /// Changes attributes. Not for Adobe IDs, whose attributes belong to their owner.
    pub fn update(&mut self, update: UserUpdate) -> Result<&mut Self> {
        self.must_be_on_user("update")?;
        update.check()?;
        let texts = [
            update.email,
            update.username,
            update.first_name,
            update.last_name,
        ];
        let update = Operation::update_user(texts).ok_or_else(|| nothing_to_change("update"))?;
        self.push(update)
    }

    /// Adds the user to groups, product profiles and admin groups, by name.
    pub fn add_to_groups<S: AsRef<str>>(&mut self, groups: &[S]) -> Result<&mut Self> {
        self.must_be_on_user("add_to_groups")?;
        check_names("groups", groups, check_group_name)?;
        self.push(Operation::add(Noun::Group, groups))
    }

    pub fn remove_from_groups<S: AsRef<str>>(&mut self, groups: &[S]) -> Result<&mut Self> {
        self.must_be_on_user("remove_from_groups")?;
        check_names("groups", groups, check_group_name)?;
        self.push(Operation::remove(Noun::Group, groups))
    }

    /// Ends every membership of the user.
    pub fn remove_from_all_groups(&mut self) -> Result<&mut Self> {
        self.must_be_on_user("remove_from_all_groups")?;
        self.push(Operation::RemoveFromAllGroups)
    }

    /// Takes the user out of the organisation; with `delete_account` the account ends too, which only an organisation
    /// that owns the account's domain can do. Nothing can follow it.
    pub fn remove_from_org(&mut self, delete_account: bool) -> Result<&mut Self> {
        self.must_be_on_user("remove_from_org")?;
        self.push(Operation::RemoveFromOrg {
            delete_account: Some(delete_account),
        })
    }

    /// Creates the user group. Goes before the commands that are there, since the service wants it first.
    pub fn create_group(
        &mut self,
        description: Option<&str>,
        on_conflict: OnConflict,
    ) -> Result<&mut Self> {
        self.must_be_on_group("create_group")?;
        check_new_group_name("name", self.target().name())?;
        let create = Operation::create_group(description, on_conflict);
        self.insert_command(0, Command::from(create))
    }

    /// Renames the user group or gives it another description.
    pub fn update_group(
        &mut self,
        name: Option<&str>,
        description: Option<&str>,
    ) -> Result<&mut Self> {
        self.must_be_on_group("update_group")?;
        if let Some(name) = name {
            check_new_group_name("new_name", name)?;
        }
        let update = Operation::update_group([name, description]);
        self.push(update.ok_or_else(|| nothing_to_change("update_group"))?)
    }

    /// Deletes the user group. Nothing can follow it.
    pub fn delete_group(&mut self) -> Result<&mut Self> {
        self.must_be_on_group("delete_group")?;
        self.push(Operation::DeleteGroup)
    }

    /// Adds users, by email, to the user group.
    pub fn add_users<S: AsRef<str>>(&mut self, emails: &[S]) -> Result<&mut Self> {
        self.check_members("add", "emails", emails, check_member)?;
        self.push(Operation::add(Noun::User, emails))
    }

    pub fn remove_users<S: AsRef<str>>(&mut self, emails: &[S]) -> Result<&mut Self> {
        self.check_members("remove", "emails", emails, check_member)?;
        self.push(Operation::remove(Noun::User, emails))
    }

    /// Gives the members of the user group the named product profiles.
    pub fn add_products<S: AsRef<str>>(&mut self, profiles: &[S]) -> Result<&mut Self> {
        self.check_members("add", "profiles", profiles, check_group_name)?;
        self.push(Operation::add(Noun::ProductConfiguration, profiles))
    }

    pub fn remove_products<S: AsRef<str>>(&mut self, profiles: &[S]) -> Result<&mut Self> {
        self.check_members("remove", "profiles", profiles, check_group_name)?;
        self.push(Operation::remove(Noun::ProductConfiguration, profiles))
    }

    /// A list of names that only a group can take.
    fn check_members<S: AsRef<str>>(
        &self,
        command: &str,
        argument: &str,
        names: &[S],
        check: Check,
    ) -> Result<()> {
        check_names(argument, names, check)?;
        self.must_be_on_group(command)
    }

    fn push(&mut self, operation: Operation) -> Result<&mut Self> {
        self.push_command(Command::from(operation))
    }
}
