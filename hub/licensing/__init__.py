"""Electronic licences 电子证照: their types, how they are issued, what they live through, and what proves them."""
