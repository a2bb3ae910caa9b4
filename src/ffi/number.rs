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
