"""The project's own tests, for `manage.py test`."""

from django.contrib.auth.models import User
from django.contrib.postgres.search import SearchVector
from django.db import IntegrityError, transaction
from django.test import TestCase

from shop.models import Article


class Articles(TestCase):
    def test_an_article_is_found_by_another_form_of_its_words(self) -> None:
        Article.objects.create(title="Dogs", body="Two dogs were running.", details={"legs": 4})
        Article.objects.create(title="Fish", body="A fish swims.")
        found = Article.objects.annotate(words=SearchVector("body")).filter(words="run dog")
        assert [article.details for article in found] == [{"legs": 4}]

    def test_a_title_is_taken_once(self) -> None:
        Article.objects.create(title="Dogs", body="")
        with self.assertRaises(IntegrityError), transaction.atomic():  # noqa: PT027 - Django runs it
            Article.objects.create(title="Dogs", body="")

    def test_a_user_has_a_password(self) -> None:
        user = User.objects.create_user("ann", password="of ann")
        assert User.objects.get(pk=user.pk).check_password("of ann")
