//! Enumerations of the core as the numbers of the header's constants.

/// An enumeration that C programs see as a number.
pub(super) trait Number: Sized {
    /// The constant that stands for this value.
    fn number(self) -> i32;

    /// The value that a constant stands for; `None` for a number that is none of them.
    fn from_number(number: i32) -> Option<Self>;
}

/// Implements [`Number`] both ways by one table. A variant that the table leaves out does not compile.
macro_rules! numbers {
    ($enumeration:ty { $($variant:ident = $constant:ident,)+ }) => {
        impl $crate::ffi::number::Number for $enumeration {
            fn number(self) -> i32 {
                match self {
                    $(<$enumeration>::$variant => $constant,)+
                    // There an enumeration that may grow needs an arm for its growth.
                    #[cfg(outside_the_core)]
                    #[allow(unreachable_patterns)]
                    _ => 0,
                }
            }

            fn from_number(number: i32) -> Option<Self> {
                match number {
                    $($constant => Some(<$enumeration>::$variant),)+
                    _ => None,
                }
            }
        }
    };
}

pub(super) use numbers;

#[cfg(test)]
mod tests {
    use super::Number;
    use crate::{EndpointClass, IdentityType, LogLevel, OnConflict, StepKind};

    /// The constants of every enumeration are numbered from 1 without a gap.
    fn assert_numbered_to<N: Number>(last: i32) {
        for number in -1..=last + 1 {
            let read_back = N::from_number(number).map(N::number);
            let expected = (1..=last).contains(&number).then_some(number);
            assert_eq!(read_back, expected, "{}", std::any::type_name::<N>());
        }
    }

    #[test]
    fn every_constant_is_read_back_and_no_other_number() {
        assert_numbered_to::<EndpointClass>(7);
        assert_numbered_to::<IdentityType>(3);
        assert_numbered_to::<LogLevel>(4);
        assert_numbered_to::<OnConflict>(3);
        assert_numbered_to::<StepKind>(7);
    }
}
