using Microsoft.ML;
using Microsoft.ML.Data;

namespace Mlnet.StandIn.Tests;

[TestClass]
public sealed class TypeTests
{
    [TestMethod]
    public void The_last_column_of_a_name_is_visible()
    {
        DataViewSchema schema = Support.Schema(("a", TextDataViewType.Instance), ("b", BooleanDataViewType.Instance), ("a", NumberDataViewType.Single));
        CollectionAssert.AreEqual(new[] { true, false, false }, schema.Select(column => column.IsHidden).ToArray());
        Assert.AreEqual(2, schema["a"].Index);
        Assert.IsNull(schema.GetColumnOrNull("c"));
        Assert.AreEqual("Column 'c' not found (Parameter 'name')", Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => schema["c"]).Message);
    }

    [TestMethod]
    public void Types_say_what_they_are()
    {
        Assert.AreEqual("Vector<Single, 3>", new VectorDataViewType(NumberDataViewType.Single, 3).ToString());
        Assert.AreEqual("Vector<Key<Byte, 0-4>>", new VectorDataViewType(new KeyDataViewType(typeof(byte), 5)).ToString());
        Assert.AreEqual("Vector<Single, 2, *>", new VectorDataViewType(NumberDataViewType.Single, 2, 0).ToString());
        Assert.AreEqual(new VectorDataViewType(TextDataViewType.Instance, 2), (object)new VectorDataViewType(TextDataViewType.Instance, 2));
        Assert.AreNotEqual(new VectorDataViewType(TextDataViewType.Instance, 4), (object)new VectorDataViewType(TextDataViewType.Instance, 2, 2));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new KeyDataViewType(typeof(int), 3));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new KeyDataViewType(typeof(byte), 300));
    }

    [TestMethod]
    public void An_annotation_of_another_type_is_refused_and_a_wrong_kind_too()
    {
        var builder = new DataViewSchema.Annotations.Builder();
        Assert.ThrowsExactly<ArgumentException>(() => builder.Add("k", TextDataViewType.Instance, (ref int value) => value = 1));
        builder.AddPrimitiveValue("k", NumberDataViewType.Int32, 4);
        DataViewSchema.Annotations annotations = builder.ToAnnotations();
        int number = 0;
        annotations.GetValue("k", ref number);
        Assert.AreEqual(4, number);
        long other = 0;
        Assert.ThrowsExactly<InvalidOperationException>(() => annotations.GetValue("k", ref other));
        Assert.ThrowsExactly<InvalidOperationException>(() => annotations.GetValue("z", ref number));
    }

    [TestMethod]
    public void Row_ids_derive_as_in_ml_net()
    {
        var id = new DataViewRowId(1, 2);
        Assert.AreEqual("000000079e99deb4000000007adce733 000000079e99deb434e09d0b1102190b d6c370eb9bb089c0cf76cc3e67f97a6c", $"{id.Next()} {id.Fork()} {id.Combine(new DataViewRowId(3, 4))}");
    }

    [TestMethod]
    public void Vectors_are_dense_or_sparse()
    {
        var sparse = new VBuffer<float>(5, 2, [7, 8], [1, 3]);
        Assert.IsFalse(sparse.IsDense);
        CollectionAssert.AreEqual(new float[] { 0, 7, 0, 8, 0 }, sparse.DenseValues().ToArray());
        Assert.AreEqual(8, sparse.GetItemOrDefault(3));
        Assert.AreEqual(0, sparse.GetItemOrDefault(2));
        VBuffer<float> part = default;
        sparse.CopyTo(ref part, 1, 3);
        CollectionAssert.AreEqual(new float[] { 7, 0, 8 }, part.DenseValues().ToArray());
        VBuffer<float> dense = default;
        sparse.CopyToDense(ref dense);
        Assert.IsTrue(dense.IsDense);
        float[] filled = new float[5];
        sparse.CopyTo(filled, 0, defaultValue: -1);
        CollectionAssert.AreEqual(new float[] { -1, 7, -1, 8, -1 }, filled);
        Assert.AreEqual("Sparse vector of size 5, 2 explicit values", sparse.ToString());
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new VBuffer<int>(3, new int[2]));
    }

    [TestMethod]
    public void An_editor_reuses_arrays_that_are_large_enough()
    {
        var buffer = new VBuffer<int>(3, [1, 2, 3]);
        VBufferEditor<int> smaller = VBufferEditor.Create(ref buffer, 2);
        Assert.IsFalse(smaller.CreatedNewValues);
        smaller.Values[0] = 9;
        Assert.AreEqual("9,2", string.Join(",", smaller.Commit().DenseValues()));
        Assert.IsTrue(VBufferEditor.Create(ref buffer, 4).CreatedNewValues);
    }
}
