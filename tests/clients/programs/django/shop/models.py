"""Models of the project."""

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector
from django.db import models


class Article(models.Model):
    title = models.CharField(max_length=100, unique=True)
    body = models.TextField()
    details = models.JSONField(default=dict)

    class Meta:
        indexes = (GinIndex(SearchVector("body", config="english"), name="articles_by_words"),)
