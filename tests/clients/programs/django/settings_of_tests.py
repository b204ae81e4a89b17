"""The same project on a second database, which is its own test database.

The owner of a database may not create another one, and may not log in to another owner's:
`manage.py test --keepdb` uses this one as it is.
"""

import database_of_tests
import settings

DATABASES = database_of_tests.DATABASES
DATABASES["default"]["TEST"] = {"NAME": DATABASES["default"]["NAME"]}
SECRET_KEY = settings.SECRET_KEY
USE_TZ = settings.USE_TZ
DEFAULT_AUTO_FIELD = settings.DEFAULT_AUTO_FIELD
INSTALLED_APPS = settings.INSTALLED_APPS
