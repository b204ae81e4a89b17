"""Store articles, and find one by full-text search in the server's default configuration."""

import os

import django
from django.contrib.postgres.search import SearchVector

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
django.setup()

from shop.models import Article  # noqa: E402 - Django has to know its settings before

Article.objects.create(title="Dogs", body="Two dogs were running.", details={"legs": 4})
Article.objects.create(title="Fish", body="A fish swims.")
found = Article.objects.annotate(words=SearchVector("title", "body")).filter(words="run dog")
titles = [article.title for article in found]
assert titles == ["Dogs"], titles
assert Article.objects.get(details__legs=4).title == "Dogs"
