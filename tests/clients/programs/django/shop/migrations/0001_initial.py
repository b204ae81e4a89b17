"""Create the table."""

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    operations = (
        migrations.CreateModel(
            "Article",
            [
                ("id", models.BigAutoField(primary_key=True)),
                ("title", models.CharField(max_length=100, unique=True)),
                ("body", models.TextField()),
                ("details", models.JSONField(default=dict)),
            ],
        ),
        migrations.AddIndex(
            "Article",
            GinIndex(SearchVector("body", config="english"), name="articles_by_words"),
        ),
    )
