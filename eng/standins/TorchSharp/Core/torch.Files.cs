using System.IO;
using System.Text;

namespace TorchSharp;

public static unsafe partial class torch
{
    public static void save(Tensor t, string location) => t.save(location);

    public static Tensor load(string location) => Tensor.load(location);

    public partial class Tensor
    {
        public void save(string location)
        {
            fixed (byte* path = Encoding.UTF8.GetBytes(location + "\0"))
                Native.Check(Native.tsi_save(Handle, path));
            GC.KeepAlive(this);
        }

        public static Tensor load(string location)
        {
            fixed (byte* path = Encoding.UTF8.GetBytes(location + "\0"))
                return new Tensor(Native.Check(Native.tsi_load(path)));
        }

        public static Tensor Load(BinaryReader reader) => TensorExtensionMethods.Load(reader);

        public static Tensor Load(Stream stream)
        {
            using BinaryReader reader = new(stream);
            return Load(reader);
        }

        public static Tensor Load(string location)
        {
            using FileStream file = File.OpenRead(location);
            return Load(file);
        }
    }
}
