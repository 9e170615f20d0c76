"""k-means, compared with its definition and with scikit-learn."""

import pytest
import torch

from longstride.trainer.models.clusters import k_means


def test_each_centre_is_the_mean_of_the_points_nearest_to_it() -> None:
    torch.manual_seed(0)
    points = torch.randn(20, 2).repeat_interleave(30, dim=0) * 5 + 0.1 * torch.randn(600, 2)
    points = points[torch.randperm(600)]
    found = k_means(points, 15)
    distances = torch.cdist(points, found.centres).square()
    nearest = distances.argmin(dim=1)
    assert torch.equal(torch.bincount(nearest, minlength=15), found.sizes)
    for number in range(15):
        mean = points[nearest == number].mean(dim=0)
        torch.testing.assert_close(found.centres[number], mean, rtol=1e-4, atol=1e-4)
    assert found.distance == pytest.approx(float(distances.amin(dim=1).mean()), rel=1e-3)


def test_nearly_as_close_as_that_of_scikit_learn() -> None:
    cluster = pytest.importorskip("sklearn.cluster")
    torch.manual_seed(0)
    points = torch.randn(3000, 8) + 3 * torch.randn(40, 8)[torch.randint(40, (3000,))]
    found = k_means(points, 100)
    other = cluster.KMeans(100, n_init=3, random_state=0).fit(points.numpy())
    assert found.distance < 1.1 * other.inertia_ / len(points)


def test_of_points_that_are_all_alike() -> None:
    found = k_means(torch.ones(50, 3), 4)
    torch.testing.assert_close(found.centres, torch.ones(4, 3))
    assert (int(found.sizes.sum()), found.distance) == (50, 0.0)
