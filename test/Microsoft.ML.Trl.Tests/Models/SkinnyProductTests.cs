using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Models;

/// <summary>Products with few rows against libtorch's, at sizes that fill tiles and sizes that do not; tolerance 1e-5 relative to the largest entry.</summary>
[TestClass]
public sealed class SkinnyProductTests
{
    [TestMethod]
    [DataRow(1, 64, 128)]
    [DataRow(3, 17, 33)]
    [DataRow(4, 40, 96)]
    [DataRow(8, 100, 300)]
    [DataRow(15, 31, 65)]
    public unsafe void Both_layouts_give_the_product(int rows, int inputs, int outputs)
    {
        using var scope = NewDisposeScope();
        using Generator chance = new(1);
        Tensor x = randn(rows, inputs, generator: chance);
        Tensor w = randn(inputs, outputs, generator: chance);
        Tensor start = randn(rows, outputs, generator: chance);
        Tensor expected = start + x.matmul(w);
        Tensor columns = start.clone();
        SkinnyColumns.Add(HostMemory.PointerTo(x), rows, inputs, HostMemory.PointerTo(w), HostMemory.PointerTo(columns), outputs, 0, outputs);
        Tensor transposed = w.t().contiguous();
        Tensor added = start.clone();
        SkinnyRows.Run(HostMemory.PointerTo(x), rows, inputs, HostMemory.PointerTo(transposed), HostMemory.PointerTo(added), outputs, 0, outputs, add: true);
        Close.Relative(expected, columns, 1e-5);
        Close.Relative(expected, added, 1e-5);
    }

    [TestMethod]
    public void A_team_shares_a_range_without_gaps_and_meets()
    {
        using HostTeam team = new(3);
        int[] done = new int[100];
        int[] seen = new int[3];
        for (int repeat = 0; repeat < 200; repeat++)
        {
            Array.Clear(done);
            team.Run(member =>
            {
                (int from, int to) = team.Share(member, done.Length, 32);
                for (int i = from; i < to; i++)
                    Interlocked.Increment(ref done[i]);
                team.Meet();
                seen[member] = done.Sum(); // after the meeting everybody sees everything
            });
            Assert.IsTrue(Array.TrueForAll(done, count => count == 1));
            CollectionAssert.AreEqual(new[] { 100, 100, 100 }, seen);
        }
    }
}
