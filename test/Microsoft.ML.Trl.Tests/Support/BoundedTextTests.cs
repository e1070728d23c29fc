using System.Text;
using Microsoft.ML.Trl.Tests.TestSupport;

namespace Microsoft.ML.Trl.Tests.Support;

[TestClass]
public sealed class BoundedTextTests
{
    [TestMethod]
    public void A_text_comes_back_with_and_without_a_byte_order_mark()
    {
        byte[] plain = Encoding.UTF8.GetBytes("größe");
        Assert.AreEqual("größe", Read(plain, plain.Length));
        Assert.AreEqual("größe", Read([0xEF, 0xBB, 0xBF, .. plain], plain.Length + 3));
        Assert.AreEqual("", Read([], 0));
    }

    [TestMethod]
    [DataRow(3, "it is damaged: it does not have the 3 bytes that it should.")]
    [DataRow(5, "it is damaged: it does not have the 5 bytes that it should.")]
    [DataRow(11, "it has 11 bytes; at most 10 are read.")]
    public void A_wrong_length_is_said(long length, string message) =>
        StringAssert.StartsWith(Assert.ThrowsExactly<InvalidDataException>(() => Read("abcd"u8.ToArray(), length)).Message, message);

    [TestMethod]
    public void Bytes_that_are_no_text_are_refused() =>
        StringAssert.StartsWith(
            Assert.ThrowsExactly<InvalidDataException>(() => Read([0x61, 0xFF], 2)).Message, "it is not UTF-8 text:");

    [TestMethod]
    [DataRow("config.json", 16_777_216)]
    [DataRow("tokenizer.json", 268_435_456)]
    public void A_huge_file_of_a_model_folder_is_not_read(string name, int limit)
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("trl-");
        try
        {
            string path = Path.Combine(folder.FullName, name);
            using (FileStream file = File.Create(path))
                file.SetLength(limit + 1L); // never written
            Action read = name == "config.json"
                ? () => HuggingFaceFolder.LoadConfig(folder.FullName)
                : () => TextTokenizer.Load(folder.FullName);
            StringAssert.StartsWith(
                Assert.ThrowsExactly<InvalidDataException>(read).Message, $"'{path}' has {limit + 1L} bytes; at most {limit} are read.");
        }
        finally
        {
            folder.Delete(true);
        }
    }

    private static string Read(byte[] bytes, long length) => BoundedText.Read(new MemoryStream(bytes), length, 10, "it");

    [TestMethod]
    public void What_is_said_to_be_long_is_not_believed_before_it_is_read()
    {
        byte[] text = Encoding.ASCII.GetBytes(new string('a', 5_000_000)); // several blocks
        Assert.AreEqual(5_000_000, BoundedText.Read(new MemoryStream(text), text.Length, BoundedText.Small, "It").Length);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Throws<InvalidDataException>(() => BoundedText.Read(new MemoryStream(text[..10]), 200_000_000, BoundedText.Large, "It"));
        Close.Below(2_000_000, GC.GetAllocatedBytesForCurrentThread() - before, "bytes allocated");
    }
}
